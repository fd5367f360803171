"""Classes of the roster, which staffstuddash publishes: each is a course of the same id.

The in-memory store does not have them. A course that was imported here precedes a class of its id.
"""

from datetime import date
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    cast,
    exists,
    func,
    null,
    or_,
    select,
    true,
)

from dropout_service.models import Course, published_classes, published_enrolments

_CLASS, _ENROLMENT = published_classes.c, published_enrolments.c


def is_class(course: str) -> ColumnElement[bool]:
    """Return the condition that the course is a class of the roster and was not imported."""
    is_imported = exists().where(Course.id == course)
    return and_(exists().where(_CLASS.class_id == course), ~is_imported)


def students_in_class(course: str, day: date) -> Select[*tuple[Any, ...]]:
    """Return the query of the ids of the students enrolled in the class on a day."""
    return select(_ENROLMENT.student_id).where(_ENROLMENT.class_id == course, _holds_on(day))


def class_rows() -> Select[*tuple[Any, ...]]:
    """Return the query of the classes that have not ended, in the columns of courses."""
    is_imported = exists().where(Course.id == _CLASS.class_id)
    return select(
        _CLASS.class_id.label("id"),
        func.coalesce(_CLASS.course_id, _CLASS.class_id).label("module"),
        _CLASS.class_id.label("presentation"),
        _CLASS.starts_on.label("starts_on"),
        (_CLASS.ends_on - _CLASS.starts_on + 1).label("length_days"),
        cast(null(), Integer).label("activity_from"),
        cast(null(), Integer).label("activity_until"),
        true().label("is_class"),
    ).where(_CLASS.ended_at.is_(None), ~is_imported)


def enrolment_count(class_id: Any, day: date | None = None) -> Any:
    """Return the number of students ever enrolled in a class, or enrolled on a day."""
    counted = select(func.count(_ENROLMENT.student_id.distinct()))
    counted = counted.where(_ENROLMENT.class_id == class_id)
    return (counted if day is None else counted.where(_holds_on(day))).scalar_subquery()


def _holds_on(day: date) -> ColumnElement[bool]:
    return and_(
        or_(_ENROLMENT.valid_from.is_(None), _ENROLMENT.valid_from <= day),
        or_(_ENROLMENT.valid_to.is_(None), _ENROLMENT.valid_to > day),
    )
