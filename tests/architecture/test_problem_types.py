"""Problem types: a contract with clients, whatever a class of ours is called."""

import importlib
import pkgutil
from collections.abc import Iterator

from shared_db.errors import ServiceError
from tests.support.source_files import PACKAGES

TYPES = {
    "action-exists",
    "action-not-found",
    "action-unchangeable",
    "assessment-deleted",
    "assessment-exists",
    "assessment-not-found",
    "audit-unavailable",
    "break-glass-for-staff",
    "break-glass-not-found",
    "break-glass-not-needed",
    "broken-body",
    "class-archived",
    "class-not-found",
    "concept-exists",
    "concept-not-found",
    "conflict",
    "course-not-found",
    "database-busy",
    "database-unavailable",
    "demographics-not-found",
    "digest-week-outside",
    "draft-exists",
    "event-exists",
    "event-too-old",
    "exists",
    "feature-set-exists",
    "feature-set-not-found",
    "feedback-exists",
    "feedback-of-another",
    "forbidden",
    "gone",
    "group-too-large",
    "group-too-small",
    "guardian-exists",
    "headers-too-large",
    "hold-not-found",
    "identifier-exists",
    "import-not-checked",
    "import-not-found",
    "incident-note-exists",
    "incident-not-found",
    "incident-over",
    "instant-unknown",
    "invalid",
    "invalid-request",
    "invitation-not-found",
    "invitation-over",
    "issuer-unavailable",
    "key-exists",
    "key-not-found",
    "level-disagrees",
    "log-not-found",
    "mails-off",
    "malformed-cursor",
    "malformed-request",
    "merged-elsewhere",
    "model-not-found",
    "moved",
    "needs-postgresql",
    "no-finished-course",
    "no-such-feedback",
    "no-such-prediction",
    "not-a-class",
    "not-assessable",
    "not-for-persons",
    "not-found",
    "not-your-action",
    "nothing-presented",
    "organisation-not-found",
    "overloaded",
    "person-not-found",
    "prediction-exists",
    "prediction-not-found",
    "preflight-refused",
    "query-too-expensive",
    "record-exists",
    "record-invalid",
    "relation-not-found",
    "repeated-in-batch",
    "request-too-slow",
    "restriction-not-found",
    "role-built-in",
    "role-not-found",
    "roster-ended",
    "roster-not-found",
    "row-limits-unavailable",
    "rules-not-found",
    "same-student",
    "score-out-of-range",
    "series-too-long",
    "still-running",
    "student-deleted",
    "student-exists",
    "student-gone",
    "student-held",
    "student-not-erased",
    "student-in-sight",
    "student-merged",
    "student-not-found",
    "student-restricted",
    "term-closed",
    "term-has-open-terms",
    "term-not-found",
    "term-not-over",
    "too-large",
    "too-many-requests",
    "unauthenticated",
    "unexpected",
    "unknown-reference",
    "unknown-signs",
    "unsupported-encoding",
    "wrong-media-type",
}


def refusals(base: type[ServiceError] = ServiceError) -> Iterator[type[ServiceError]]:
    for refusal in base.__subclasses__():
        if refusal.__module__.startswith(PACKAGES):
            yield refusal
            yield from refusals(refusal)


def import_all() -> None:
    for package in map(importlib.import_module, PACKAGES):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if "migrations" not in module.name and not module.name.endswith("__main__"):
                importlib.import_module(module.name)


def test_every_refusal_names_its_own_problem_type() -> None:
    import_all()
    found = set(refusals())

    assert [refusal.__name__ for refusal in found if "slug" not in vars(refusal)] == []
    assert {refusal.slug for refusal in found} == TYPES
