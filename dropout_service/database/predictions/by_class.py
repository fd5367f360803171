"""Predictions of the students of a class of the roster, by the rules.

Only events that name the class and marks of its subjects count, in the time of the enrolments.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from dropout_service.database.courses.classes import active_in, enrolments_by_student
from dropout_service.database.features.class_features import class_features
from dropout_service.database.features.incomplete import pending_values
from dropout_service.database.predictions.by_rules import rule_values
from dropout_service.database.students.restrictions import restricted_among
from dropout_service.domain.enrolments.class_calendar import (
    RosterClass,
    absence_reason,
    utc_date,
)
from dropout_service.domain.rules.risk import (
    RULES_VERSION,
    Assessment,
    assess,
    missing_for_assessment,
)
from shared_db.columns import Row
from shared_db.spool.pending import NOTHING_PENDING, Pending
from shared_db.writes.idempotent_insert import content_digest


@dataclass(frozen=True)
class ClassAssessment:
    """Assessments of the students of a class at an instant, by student, the highest risk first.

    digests: of their features. ranks: 1 is the highest risk, equal risks share the better rank.
    not_assessable: students with the reason. restricted: students who are not to be assessed.
    pending: rows of the students that waited when the class was read.
    """

    course: str
    as_of: datetime
    students: Mapping[str, Assessment]
    digests: Mapping[str, bytes]
    ranks: Mapping[str, int]
    not_assessable: Mapping[str, str]
    restricted: frozenset[str]
    pending: Pending

    def values(self, student_id: str) -> Row:
        """Return the row of an assessable student, without id and digest."""
        return {
            **rule_values(student_id, self.students[student_id], self.as_of, self.course),
            "course_rank": self.ranks[student_id],
            "course_ranked": len(self.students),
            "is_class": True,
        }

    def named_values(self, student_id: str) -> Row:
        """Return the row of an assessable student, under an id made of its content."""
        rank = (self.ranks[student_id], len(self.students))
        digest = content_digest({"features": self.digests[student_id].hex(), "rank": rank})
        parts = (student_id, self.course, self.as_of.isoformat(), RULES_VERSION, digest.hex())
        name = hashlib.blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()
        return {
            **self.values(student_id),
            **pending_values(self.pending, student_id),
            "id": f"class-{name}",
            "digest": digest,
        }


def assess_class(
    session: Session, found: RosterClass, as_of: datetime, pending: Pending = NOTHING_PENDING
) -> ClassAssessment:
    """Return the assessment by the rules of a class: of all students who were ever in it.

    Students with events that name the class are not assessable if they were never enrolled.
    """
    closed, day = found.not_running_reason(as_of), utc_date(as_of)
    enrolments = enrolments_by_student(session, found.id)
    members = enrolments.keys() | active_in(session, found.id)
    restricted = restricted_among(session, members)
    known = members - restricted
    reasons = {id_: closed or absence_reason(enrolments.get(id_, []), day) for id_ in known}
    missing = {id_: reason for id_, reason in reasons.items() if reason is not None}
    assessed: dict[str, Assessment] = {}
    digests: dict[str, bytes] = {}
    for id_, features in class_features(session, found, known - missing.keys(), as_of).items():
        if reason := missing_for_assessment(features):
            missing[id_] = reason
            continue
        assessed[id_] = assess(features)
        digests[id_] = content_digest(asdict(features))
    return ClassAssessment(
        course=found.id,
        as_of=as_of,
        students=dict(sorted(assessed.items(), key=lambda pair: (-pair[1].risk_score, pair[0]))),
        digests=digests,
        ranks=_ranks(assessed),
        not_assessable=dict(sorted(missing.items())),
        restricted=frozenset(restricted),
        pending=pending,
    )


def _ranks(assessed: Mapping[str, Assessment]) -> dict[str, int]:
    ranks: dict[float, int] = {}
    for place, risk in enumerate(sorted((a.risk_score for a in assessed.values()), reverse=True)):
        ranks.setdefault(risk, place + 1)
    return {id_: ranks[assessment.risk_score] for id_, assessment in assessed.items()}
