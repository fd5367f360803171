"""Prediction of one student: by the active model if enrolled, else by the rules.

A class of the roster is judged as a whole, from its events and marks alone.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dropout_service.database.courses.classes import class_of
from dropout_service.database.courses.enrolment_periods import ended_reason, period_of, periods_of
from dropout_service.database.features.store import features_at, require_known
from dropout_service.database.predictions.by_class import assess_class_for_one
from dropout_service.database.predictions.by_model import assess_course, model_values
from dropout_service.database.predictions.by_rules import rule_values
from dropout_service.database.predictions.model_registry import ActiveModel, active_model
from dropout_service.database.students.locking import require_student
from dropout_service.domain.enrolments.class_calendar import NOT_ENROLLED, RosterClass
from dropout_service.domain.rules.risk import assess, missing_for_assessment
from dropout_service.errors import CourseNotFound, NotAssessable
from dropout_service.models import Course, Enrolment
from shared_db.columns import Row


def predicted_values(session: Session, student_id: str, course: str | None, as_of: datetime) -> Row:
    """Return the row of a student's prediction at the instant, without id and digest.

    course: of the enrolment, or a class of the roster; None: the enrolment with the highest risk,
    if there is a model.

    Raises:
        StudentNotFound: no row of that student is stored.
        StudentErased: all data of the student were erased.
        CourseNotFound: no enrolments of that course are known, and it is no class.
        NotAssessable: too little was known of the student at the instant, or of the enrolment.

    """
    is_imported = course is None or session.get(Course, course) is not None
    if course is not None and not is_imported and (found := class_of(session, course)):
        return _in_class(session, student_id, found, as_of)
    enrolments = _enrolments(session, student_id, course, as_of)
    model = active_model(session)
    row = None if model is None else _by_model(session, model, enrolments, as_of)
    if row is None and model is not None and course is not None:
        raise NotAssessable(student_id, "nothing is known of the enrolment")
    return row or _by_rules(session, student_id, course, as_of)


def _in_class(session: Session, student_id: str, found: RosterClass, as_of: datetime) -> Row:
    """Return the row of a student in a class; the whole class is assessed, for the rank."""
    require_known(session, student_id)
    assessed = assess_class_for_one(session, found, as_of)
    if student_id not in assessed.students:
        reason = assessed.not_assessable.get(student_id, NOT_ENROLLED)
        raise NotAssessable(student_id, reason)
    return assessed.values(student_id)


def _enrolments(
    session: Session, student_id: str, course: str | None, as_of: datetime
) -> list[tuple[Enrolment, Course]]:
    """Return the student's assessable enrolments at the instant."""
    query = (
        select(Enrolment, Course)
        .join(Course, Course.id == Enrolment.course_id)
        .where(Enrolment.student_id == student_id)
    )
    if course is None:
        rows = session.execute(query)
        return [row for row in rows if period_of(*row).not_assessable_reason(as_of) is None]
    require_student(session, student_id)
    if session.get(Course, course) is None:
        raise CourseNotFound(course)
    found = session.execute(query.where(Course.id == course)).one_or_none()
    if found is None:
        raise NotAssessable(student_id, f"the student is not enrolled in {course}")
    if closed := period_of(*found).not_assessable_reason(as_of):
        raise NotAssessable(student_id, closed)
    return [found]


def _by_model(
    session: Session,
    model: ActiveModel,
    enrolments: list[tuple[Enrolment, Course]],
    as_of: datetime,
) -> Row | None:
    """Return the row of the enrolment with the highest risk, None if no enrolment is assessable."""
    rows = []
    for enrolment, course in enrolments:
        assessed = assess_course(session, model, course, as_of)
        found = dict(assessed.enrolments).get(enrolment.student_id)
        if found is not None:
            rows.append(model_values(assessed.place, enrolment.student_id, found))
    return max(rows, key=lambda row: float(row["risk_score"]), default=None)


def _by_rules(session: Session, student_id: str, course: str | None, as_of: datetime) -> Row:
    features = features_at(session, student_id, as_of)
    ended = ended_reason(session, periods_of(session, [student_id]), as_of).get(student_id)
    if missing := ended or missing_for_assessment(features):
        raise NotAssessable(student_id, missing)
    return rule_values(student_id, assess(features), as_of, course)
