"""Predictions by the rules: of all students, or of the students of a course."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from dropout_service.database.courses.enrolment_periods import (
    Periods,
    ended_reason,
    observable_activity,
    periods_of,
)
from dropout_service.database.features.activity_query import activity_of, given_students
from dropout_service.database.features.incomplete import pending_values
from dropout_service.database.predictions.insert import assessment_values
from dropout_service.domain.enrolments.class_calendar import NOT_ENROLLED
from dropout_service.domain.enrolments.course_calendar import EnrolmentPeriod
from dropout_service.domain.rules.activity import Activity
from dropout_service.domain.rules.features import Features, features_of
from dropout_service.domain.rules.risk import (
    RULES_VERSION,
    Assessment,
    assess,
    missing_for_assessment,
)
from dropout_service.models import Course
from shared_db.columns import Row
from shared_db.spool.pending import Pending
from shared_db.writes.idempotent_insert import content_digest


def rule_values(
    student_id: str, assessment: Assessment, as_of: datetime, course: str | None = None
) -> Row:
    """Return the row of an assessment by the rules, without id and digest."""
    return {
        **assessment_values(assessment),
        "student_id": student_id,
        "course": course,
        "as_of": as_of,
        "momentum_index": assessment.momentum_index,
        "base_log_odds": None,
        "version": RULES_VERSION,
    }


@dataclass(frozen=True)
class RuleAssessment:
    """Features of students at an instant, and the reasons of those who are not assessable.

    course: of their predictions; None if the course is known from events only.
    """

    course: str | None
    as_of: datetime
    features: dict[str, Features]
    missing: dict[str, str]

    @property
    def assessable(self) -> set[str]:
        """The students who are assessable."""
        return self.features.keys() - self.missing

    def values(self, student_id: str) -> Row:
        """Return the row of an assessable student, without id and digest."""
        assessment = assess(self.features[student_id])
        return rule_values(student_id, assessment, self.as_of, self.course)


def assess_by_rules(
    session: Session, activities: Mapping[str, Activity], course: str | None, as_of: datetime
) -> RuleAssessment:
    """Return the assessment of students in a course, or without a course."""
    periods = periods_of(session, activities)
    known = observable_activity(session, periods, activities, as_of)
    features = {id_: features_of(seen) for id_, seen in known.items()}
    is_known = course is not None and session.get(Course, course) is not None
    if course is None:
        reasons = ended_reason(session, periods, as_of)
    else:
        reasons = _absence_reasons(course, periods, features, as_of) if is_known else {}
    missing = {
        id_: reasons.get(id_) or missing_for_assessment(found) for id_, found in features.items()
    }
    return RuleAssessment(
        course if is_known else None,
        as_of,
        features,
        {id_: reason for id_, reason in missing.items() if reason},
    )


def named_rule_values(assessed: RuleAssessment, student_id: str, pending: Pending) -> Row:
    """Return the row of an assessable student, under an id made of its content."""
    digest = content_digest({"features": asdict(assessed.features[student_id])})
    named = f"{student_id}\n{assessed.as_of.isoformat()}\n{RULES_VERSION}\n{digest.hex()}"
    if assessed.course is not None:
        named += f"\n{assessed.course}"
    return {
        **assessed.values(student_id),
        **pending_values(pending, student_id),
        "id": "cohort-" + hashlib.blake2b(named.encode(), digest_size=16).hexdigest(),
        "digest": digest,
    }


def activities_of(
    session: Session, students: Iterable[str], as_of: datetime
) -> dict[str, Activity]:
    """Return the activity up to `as_of` of these students, by id."""
    given = given_students(session.get_bind().dialect.name)
    return activity_of(session, given, as_of, ids=sorted(students))


def _absence_reasons(
    course: str, periods: Periods, students: Iterable[str], as_of: datetime
) -> dict[str, str]:
    """Return the reasons of the students who are not in the course at the instant, by student."""
    enrolled = {
        id_: period for id_, known in periods.items() for period in known if period.course == course
    }
    reasons = {id_: _absence_reason(enrolled.get(id_), as_of) for id_ in students}
    return {id_: reason for id_, reason in reasons.items() if reason}


def _absence_reason(period: EnrolmentPeriod | None, as_of: datetime) -> str | None:
    return NOT_ENROLLED if period is None else period.not_assessable_reason(as_of)
