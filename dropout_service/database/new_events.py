"""The events that were just stored, and what their days came to before: to select from."""

from typing import Any

from sqlalchemy import ColumnElement, String, and_, bindparam, cast, func, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import aliased

from dropout_service.models import DailyActivity, LearningEvent
from shared_db.dialects import looked_up


def new_events() -> type[LearningEvent]:
    """Return the events of the parameter `event_ids`, in PostgreSQL's words."""
    ids = cast(bindparam("event_ids", type_=ARRAY(String)), ARRAY(String))
    came = func.unnest(ids).table_valued("id").render_derived("came")
    row = looked_up(select(LearningEvent).where(LearningEvent.id == came.c.id), "row")
    return aliased(LearningEvent, select(row).join_from(came, row, true()).cte("new"))


def days_of(new: type[LearningEvent]) -> type[DailyActivity]:
    """Return the rollup's rows of the days of these events, where there are any yet."""
    course = course_of(new).label("course")
    day = select(new.student_id, new.day, course).distinct().subquery("day")
    is_theirs = is_of_day(DailyActivity, day.c.student_id, day.c.day, day.c.course)
    row = looked_up(select(DailyActivity).where(is_theirs).correlate(day), "row")
    return aliased(DailyActivity, select(row).join_from(day, row, true()).cte("stored"))


def is_of_day(
    stored: type[DailyActivity], student_id: Any, day: Any, course: Any
) -> ColumnElement[bool]:
    """Tell whether a row of the rollup is that student's of that day in that course."""
    return and_(stored.student_id == student_id, stored.day == day, stored.course == course)


def course_of(event: type[LearningEvent]) -> ColumnElement[str]:
    """Return an event's course as the rollup has it, where none is a course of its own."""
    return func.coalesce(event.course, "")
