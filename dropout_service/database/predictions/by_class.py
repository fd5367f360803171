"""Predictions of the students of a class of the roster, by the active model or by the rules.

Only events that name the class and marks of its subjects count, in the time of the enrolments. All
students of a class are judged in the same way, because places are compared within the class.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

import numpy as np
from sqlalchemy.orm import Session

from dropout_service.database.courses.classes import (
    active_in,
    enrolments_by_student,
    latest_version_on,
)
from dropout_service.database.features.class_features import class_features
from dropout_service.database.features.class_training import class_enrolment_features
from dropout_service.database.features.incomplete import pending_values
from dropout_service.database.predictions.by_model import (
    NOTHING_KNOWN,
    PredictedPlace,
    model_outputs,
    model_scores,
    model_values,
)
from dropout_service.database.predictions.by_rules import rule_values
from dropout_service.database.predictions.model_registry import (
    ActiveModel,
    active_model,
    model_of,
)
from dropout_service.database.students.restrictions import restricted_among
from dropout_service.domain.enrolments.class_calendar import (
    RosterClass,
    absence_reason,
    utc_date,
)
from dropout_service.domain.enrolments.model_assessment import assess_enrolment
from dropout_service.domain.enrolments.outcome_targets import Target
from dropout_service.domain.rules.risk import (
    RULES,
    RULES_VERSION,
    Assessment,
    assess,
    missing_for_assessment,
)
from dropout_service.learning.course_level import WINDOW
from dropout_service.learning.rows import EnrolmentRows, Floats
from shared_db.columns import Row
from shared_db.spool.pending import NOTHING_PENDING, Pending
from shared_db.writes.idempotent_insert import content_digest

# With a lower mean confidence the rules judge the class: a stated choice (docs/scores.md).
MIN_MEAN_CONFIDENCE = 0.5
JOINED_TODAY = "the student was not registered at the end of the last day"


@dataclass(frozen=True)
class ClassAssessment:
    """Assessments of the students of a class at an instant, the highest risk first.

    version: of the rules or of the model, for all students. students: the row of each assessable
    student, without id and digest. digests: of what each row was computed from, with its rank.
    not_assessable: students with the reason. restricted: students who are not to be assessed.
    pending: rows of the students that waited when the class was read.
    """

    course: str
    as_of: datetime
    version: str
    students: Mapping[str, Row]
    digests: Mapping[str, bytes]
    not_assessable: Mapping[str, str]
    restricted: frozenset[str]
    pending: Pending

    @property
    def is_by_model(self) -> bool:
        """True if a model judged the class, False if the rules did."""
        return self.version != RULES_VERSION

    def values(self, student_id: str) -> Row:
        """Return the row of an assessable student, without id and digest."""
        return dict(self.students[student_id])

    def named_values(self, student_id: str) -> Row:
        """Return the row of an assessable student, under an id made of its content."""
        digest = self.digests[student_id]
        parts = (student_id, self.course, self.as_of.isoformat(), self.version, digest.hex())
        name = hashlib.blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()
        return {
            **self.values(student_id),
            **pending_values(self.pending, student_id),
            "id": f"class-{name}",
            "digest": digest,
        }


@dataclass(frozen=True)
class _ClassAt:
    """Class at an instant. enrolled: its students then; absent: the others with the reason."""

    found: RosterClass
    as_of: datetime
    enrolled: frozenset[str]
    absent: Mapping[str, str]
    restricted: frozenset[str]
    pending: Pending

    def assessment(
        self,
        version: str,
        rows: Mapping[str, Row],
        digests: Mapping[str, bytes],
        not_assessable: Mapping[str, str],
    ) -> ClassAssessment:
        """Return the assessment from the rows of the assessable students."""
        by_risk = sorted(rows.items(), key=lambda pair: (-pair[1]["risk_score"], pair[0]))
        return ClassAssessment(
            course=self.found.id,
            as_of=self.as_of,
            version=version,
            students={id_: {**row, "is_class": True} for id_, row in by_risk},
            digests=digests,
            not_assessable=dict(sorted({**self.absent, **not_assessable}.items())),
            restricted=self.restricted,
            pending=self.pending,
        )


def assess_class(
    session: Session, found: RosterClass, as_of: datetime, pending: Pending = NOTHING_PENDING
) -> ClassAssessment:
    """Return the assessment of a class: of all students who were ever in it.

    The active model judges the class if it can and knows enough of it, else the rules do. Students
    with events that name the class are not assessable if they were never enrolled.
    """
    class_at, model = _class_at(session, found, as_of, pending), active_model(session)
    by_model = None
    if model is not None:
        by_model = _by_model(session, model, class_at, min_confidence=MIN_MEAN_CONFIDENCE)
    return by_model or _by_rules(session, class_at)


def assess_class_like(
    session: Session, found: RosterClass, as_of: datetime, version: str
) -> ClassAssessment | None:
    """Return the assessment of a class by the rules or the model that made a prediction of it.

    None if no model can judge the class any more. How much is known of the class does not matter.
    """
    class_at = _class_at(session, found, as_of, NOTHING_PENDING)
    if version.startswith(RULES):
        return _by_rules(session, class_at)
    model = model_of(session, version)
    return None if model is None else _by_model(session, model, class_at, min_confidence=0.0)


def assess_class_for_one(session: Session, found: RosterClass, as_of: datetime) -> ClassAssessment:
    """Return the assessment of a class for the prediction of one of its students.

    It is by the rules or the model of the class's predictions of the same day, if there are any.
    """
    version = latest_version_on(session, found.id, as_of)
    alike = None if version is None else assess_class_like(session, found, as_of, version)
    return alike or assess_class(session, found, as_of)


def _class_at(session: Session, found: RosterClass, as_of: datetime, pending: Pending) -> _ClassAt:
    closed, day = found.not_running_reason(as_of), utc_date(as_of)
    enrolments = enrolments_by_student(session, found.id)
    members = enrolments.keys() | active_in(session, found.id)
    restricted = restricted_among(session, members)
    known = members - restricted
    reasons = {id_: closed or absence_reason(enrolments.get(id_, []), day) for id_ in known}
    absent = {id_: reason for id_, reason in reasons.items() if reason is not None}
    enrolled = frozenset(known - absent.keys())
    return _ClassAt(found, as_of, enrolled, absent, frozenset(restricted), pending)


def _by_model(
    session: Session, model: ActiveModel, class_at: _ClassAt, *, min_confidence: float
) -> ClassAssessment | None:
    """Return the assessment as of the end of the last day that was over; None if impossible.

    min_confidence: the least mean confidence of the students.
    """
    found, dates = class_at.found, class_at.found.judged_dates
    if dates is None or model.target is not Target.WITHDRAWN or not class_at.enrolled:
        return None
    day = dates.last_completed_day(class_at.as_of)
    if dates.not_running_reason(day) is not None:
        return None
    rows = _rows(session, found, day)
    is_enrolled = np.isin(rows["student_id"], sorted(class_at.enrolled))
    if not is_enrolled.any():
        return None
    earlier = _rows(session, found, day - WINDOW) if day >= WINDOW else None
    scores = model_scores(model, rows, earlier)
    if not _is_known(rows, scores.confidence[is_enrolled], min_confidence):
        return None
    is_known = is_enrolled & (scores.confidence > 0)
    assessed = {
        id_: assess_enrolment(output)
        for id_, output in model_outputs(model, rows, scores, is_known)
    }
    place = PredictedPlace(found.id, class_at.as_of, model.version)
    unknown = rows["student_id"][is_enrolled & ~is_known].tolist()
    joined = class_at.enrolled - set(rows["student_id"].tolist())
    return class_at.assessment(
        model.version,
        {id_: model_values(place, id_, one) for id_, one in assessed.items()},
        {id_: content_digest(asdict(one)) for id_, one in assessed.items()},
        dict.fromkeys(unknown, NOTHING_KNOWN) | dict.fromkeys(joined, JOINED_TODAY),
    )


def _is_known(rows: EnrolmentRows, confidence: Floats, min_confidence: float) -> bool:
    """Return True if enough is known of a class: of its activity or marks, and of its students."""
    has_marks = not np.isnan(rows["assessments_handed_in"]).all()
    return bool((rows["has_activity"].any() or has_marks) and confidence.mean() >= min_confidence)


def _rows(session: Session, found: RosterClass, day: int) -> EnrolmentRows:
    return EnrolmentRows(class_enrolment_features(session, day, [found.id]))


def _by_rules(session: Session, class_at: _ClassAt) -> ClassAssessment:
    found, as_of = class_at.found, class_at.as_of
    missing: dict[str, str] = {}
    assessed: dict[str, Assessment] = {}
    of_features: dict[str, str] = {}
    for id_, features in class_features(session, found, class_at.enrolled, as_of).items():
        if reason := missing_for_assessment(features):
            missing[id_] = reason
            continue
        assessed[id_] = assess(features)
        of_features[id_] = content_digest(asdict(features)).hex()
    rows, digests = {}, {}
    ranks, ranked = _ranks(assessed), len(assessed)
    for id_, assessment in assessed.items():
        values = rule_values(id_, assessment, as_of, found.id)
        rows[id_] = {**values, "course_rank": ranks[id_], "course_ranked": ranked}
        digests[id_] = content_digest({"features": of_features[id_], "rank": (ranks[id_], ranked)})
    return class_at.assessment(RULES_VERSION, rows, digests, missing)


def _ranks(assessed: Mapping[str, Assessment]) -> dict[str, int]:
    ranks: dict[float, int] = {}
    for place, risk in enumerate(sorted((a.risk_score for a in assessed.values()), reverse=True)):
        ranks.setdefault(risk, place + 1)
    return {id_: ranks[assessment.risk_score] for id_, assessment in assessed.items()}
