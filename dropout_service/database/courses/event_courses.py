"""Courses that are known from events only."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    Integer,
    Select,
    cast,
    exists,
    false,
    func,
    literal,
    null,
    select,
)

from dropout_service.domain.enums import CourseSource
from dropout_service.models import Course, DailyActivity, published_classes
from shared_db.row_limits import row_limit


def event_course_rows(*, is_memory: bool) -> Select[*tuple[Any, ...]]:
    """Return the query of the courses of events alone, in the columns of courses."""
    id_ = _named_by_events()
    is_imported = exists().where(Course.id == id_)
    query = select(
        id_.label("id"),
        id_.label("module"),
        id_.label("presentation"),
        cast(null(), Date).label("starts_on"),
        cast(null(), Integer).label("length_days"),
        cast(null(), Integer).label("activity_from"),
        cast(null(), Integer).label("activity_until"),
        false().label("is_class"),
        literal(CourseSource.EVENTS.value).label("source"),
    ).where(id_.is_not(None), ~is_imported)
    if is_memory:
        return query
    return query.where(~exists().where(published_classes.c.class_id == id_))


def _named_by_events() -> ColumnElement[Any]:
    """Return the column of the courses that events name, each once."""
    course = DailyActivity.course
    if row_limit() is not None:
        # Few students; their rows are found by the ids.
        return select(course.label("id")).where(course > "").distinct().subquery("named").c.id
    # One look into the index for each course, not one for each row of it.
    named = select(func.min(course).label("id")).where(course > "").cte("named", recursive=True)
    following = select(func.min(course)).where(course > named.c.id).scalar_subquery()
    return named.union_all(select(following).where(named.c.id.is_not(None))).c.id
