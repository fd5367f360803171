"""Queries of the predictions that count for a course.

Of an imported course: the latest ones of its enrolments. Of a class of the roster: those of the
students enrolled in it now, of the class or, if it has none of its own, the overall ones. Of a
course known from events only: the overall ones of its active students.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, exists, or_, select
from sqlalchemy.orm import Session

from dropout_service.database.courses.classes import (
    has_class_predictions,
    is_class,
    students_in_class,
    students_of_course,
)
from dropout_service.database.students.restrictions import is_assessed
from dropout_service.errors import CourseNotFound
from dropout_service.models import Course, DailyActivity, DropoutPrediction
from shared_db.clock import utc_now

_ROW = DropoutPrediction


@dataclass(frozen=True)
class CourseRisks:
    """Condition of the present predictions of a course.

    is_own: they are about this course; otherwise they are the overall ones of its students.
    """

    course: str
    is_class: bool
    is_own: bool
    condition: ColumnElement[bool]


def risks_of_course(session: Session, course: str, *, is_memory: bool) -> CourseRisks:
    """Return the condition of the present predictions of a course.

    Raises:
        CourseNotFound: the course is not stored, is no class, and has no events.

    """
    if session.get(Course, course) is not None:
        is_own = _ROW.is_latest & (_ROW.course == course) & ~_ROW.is_class
        return CourseRisks(course, is_class=False, is_own=True, condition=is_own)
    if not is_memory and session.scalar(select(is_class(course))):
        if session.scalar(select(has_class_predictions(course))):
            return CourseRisks(
                course, is_class=True, is_own=True, condition=_is_of_class_itself(course)
            )
        overall = _ROW.is_overall & _is_in_class(course)
        return CourseRisks(course, is_class=True, is_own=False, condition=overall)
    if session.scalar(select(exists().where(DailyActivity.course == course))):
        active, _ = students_of_course(course)
        overall = _ROW.is_overall & _ROW.student_id.in_(active)
        return CourseRisks(course, is_class=False, is_own=False, condition=overall)
    raise CourseNotFound(course)


def assessed_risks_of_course(
    session: Session, course: str, *, is_memory: bool
) -> Select[DropoutPrediction]:
    """Return the query of the present predictions of a course without restricted students.

    Raises:
        CourseNotFound: as `risks_of_course`.

    """
    found = risks_of_course(session, course, is_memory=is_memory)
    return select(_ROW).where(found.condition, is_assessed(session, _ROW.student_id))


def overall_or_of_class(
    session: Session, course: str | None, *, is_memory: bool
) -> Select[DropoutPrediction]:
    """Return the query of the overall predictions, or of a class that has its own."""
    overall = select(_ROW).where(_ROW.is_overall)
    if course is None:
        return overall
    if not is_memory and session.scalar(select(is_class(course) & has_class_predictions(course))):
        return select(_ROW).where(_is_of_class_itself(course))
    return overall.where(_is_of_course(course, is_memory=is_memory))


def _is_of_course(course: str, *, is_memory: bool) -> ColumnElement[bool]:
    without_roster = or_(*(_ROW.student_id.in_(query) for query in students_of_course(course)))
    if is_memory:
        return without_roster
    return or_(is_class(course) & _is_in_class(course), ~is_class(course) & without_roster)


def _is_of_class_itself(course: str) -> ColumnElement[bool]:
    return _ROW.is_latest & _ROW.is_class & (_ROW.course == course) & _is_in_class(course)


def _is_in_class(course: str) -> ColumnElement[bool]:
    return _ROW.student_id.in_(students_in_class(course, utc_now().date()))
