"""Classes of the roster, which staffstuddash publishes: each is a course of the same id.

The in-memory store does not have them. A course that was imported here precedes a class of its id.
"""

from collections import defaultdict
from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Session

from dropout_service.domain.enrolments.class_calendar import (
    ClassEnrolment,
    RosterClass,
    utc_date,
)
from dropout_service.domain.enums import CourseSource
from dropout_service.models import (
    Course,
    DailyActivity,
    DropoutPrediction,
    Enrolment,
    published_classes,
    published_enrolments,
)

_CLASS, _ENROLMENT = published_classes.c, published_enrolments.c


def is_class(course: str) -> ColumnElement[bool]:
    """Return the condition that the course is a class of the roster and was not imported."""
    is_imported = exists().where(Course.id == course)
    return and_(exists().where(_CLASS.class_id == course), ~is_imported)


def class_of(session: Session, course: str) -> RosterClass | None:
    """Return the class of that id, ended or not; None if there is none, or it was imported."""
    if session.get_bind().dialect.name == "sqlite":
        return None
    query = select(
        _CLASS.class_id, _CLASS.starts_on, _CLASS.ends_on, _CLASS.ended_at, _CLASS.subjects
    ).where(_CLASS.class_id == course, is_class(course))
    row = session.execute(query).one_or_none()
    return None if row is None else RosterClass(*row[:-1], subjects=tuple(row.subjects))


def running_classes(as_of: datetime) -> Select[str]:
    """Return the query of the classes that run at the instant and were not imported, by id."""
    day, is_imported = utc_date(as_of), exists().where(Course.id == _CLASS.class_id)
    return (
        select(_CLASS.class_id)
        .where(
            or_(_CLASS.ended_at.is_(None), _CLASS.ended_at > as_of),
            or_(_CLASS.starts_on.is_(None), _CLASS.starts_on <= day),
            or_(_CLASS.ends_on.is_(None), _CLASS.ends_on >= day),
            ~is_imported,
        )
        .order_by(_CLASS.class_id)
    )


def enrolments_by_student(session: Session, class_id: str) -> dict[str, list[ClassEnrolment]]:
    """Return all enrolments in the class, ended or not, by student."""
    query = select(_ENROLMENT.student_id, _ENROLMENT.valid_from, _ENROLMENT.valid_to)
    found: dict[str, list[ClassEnrolment]] = defaultdict(list)
    for student_id, *days in session.execute(query.where(_ENROLMENT.class_id == class_id)):
        found[student_id].append(ClassEnrolment(*days))
    return dict(found)


def enrolments_in(session: Session, class_id: str, student_id: str) -> list[ClassEnrolment]:
    """Return all enrolments of one student in the class, ended or not."""
    query = select(_ENROLMENT.valid_from, _ENROLMENT.valid_to)
    is_theirs = (_ENROLMENT.class_id == class_id) & (_ENROLMENT.student_id == student_id)
    return [ClassEnrolment(*days) for days in session.execute(query.where(is_theirs))]


def active_in(session: Session, course: str) -> set[str]:
    """Return the students with events that name the course."""
    query = select(DailyActivity.student_id).where(DailyActivity.course == course)
    return set(session.scalars(query.distinct()))


def students_of_course(course: str) -> tuple[Select[str], Select[str]]:
    """Return the queries of the students with events that name the course, and of the enrolled."""
    active = select(DailyActivity.student_id).where(DailyActivity.course == course)
    return active, select(Enrolment.student_id).where(Enrolment.course_id == course)


def has_class_predictions(course: str) -> ColumnElement[bool]:
    """Return the condition that the class has predictions of its own that count."""
    row = DropoutPrediction
    return exists().where(row.course == course, row.is_latest, row.is_class)


def latest_version_on(session: Session, class_id: str, as_of: datetime) -> str | None:
    """Return the version of the class's latest predictions of a day (UTC); None without any."""
    row, begins = DropoutPrediction, datetime.combine(utc_date(as_of), time(), UTC)
    query = select(row.version).where(
        row.course == class_id,
        row.is_latest,
        row.is_class,
        row.as_of >= begins,
        row.as_of < begins + timedelta(days=1),
    )
    return session.scalar(query.order_by(row.as_of.desc(), row.id.desc()).limit(1))


def outdated_with_latest(as_of: datetime) -> Select[*tuple[Any, ...]]:
    """Return the query of students with a latest prediction in a class that counts no more.

    They have left the class; or a later prediction of the class is by a model and theirs by the
    rules, or the other way round: places are compared within the class.
    """
    row = DropoutPrediction
    is_of_classes = and_(row.is_latest, row.is_class, row.as_of <= as_of)
    is_by_model = row.base_log_odds.is_not(None)
    newest = (
        select(
            row.course,
            func.max(row.as_of).filter(is_by_model).label("by_model"),
            func.max(row.as_of).filter(~is_by_model).label("by_rules"),
        )
        .where(is_of_classes)
        .group_by(row.course)
        .subquery("newest")
    )
    is_enrolled = exists().where(
        _ENROLMENT.student_id == row.student_id,
        _ENROLMENT.class_id == row.course,
        _holds_on(utc_date(as_of)),
    )
    is_judged_otherwise = row.as_of < case(
        (is_by_model, newest.c.by_rules), else_=newest.c.by_model
    )
    return (
        select(row.course, row.student_id)
        .join(newest, newest.c.course == row.course)
        .where(is_of_classes, or_(~is_enrolled, is_judged_otherwise))
    )


def is_enrolled_in(class_id: Any, student_id: Any, day: date) -> ColumnElement[bool]:
    """Return the condition that a student is enrolled in a class on a day."""
    enrolled = published_enrolments.alias("enrolled_then")
    return exists().where(
        enrolled.c.student_id == student_id,
        enrolled.c.class_id == class_id,
        or_(enrolled.c.valid_from.is_(None), enrolled.c.valid_from <= day),
        or_(enrolled.c.valid_to.is_(None), enrolled.c.valid_to > day),
    )


def students_in_class(course: str, day: date) -> Select[*tuple[Any, ...]]:
    """Return the query of the ids of the students enrolled in the class on a day."""
    return select(_ENROLMENT.student_id).where(_ENROLMENT.class_id == course, _holds_on(day))


def enrolled_in_classes(class_ids: Collection[str], day: date) -> Select[*tuple[Any, ...]]:
    """Return the query of classes with the ids of the students enrolled in them on a day."""
    query = select(_ENROLMENT.class_id, _ENROLMENT.student_id)
    return query.where(_ENROLMENT.class_id.in_(class_ids), _holds_on(day))


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
        literal(CourseSource.ROSTER.value).label("source"),
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
