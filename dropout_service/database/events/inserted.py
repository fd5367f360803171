"""The events that were just stored, and what their days came to before: to select from."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    String,
    TableValuedAlias,
    and_,
    bindparam,
    cast,
    func,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import aliased

from dropout_service.models import DailyActivity, LearningEvent
from shared_db.queries.dialects import lateral_lookup


def new_events(parameter: str = "event_ids") -> type[LearningEvent]:
    """Return the events of the parameter, a list of ids, in PostgreSQL's words."""
    came = _came(parameter)
    row = lateral_lookup(select(LearningEvent).where(LearningEvent.id == came.c.id), "row")
    return aliased(LearningEvent, select(row).join_from(came, row, true()).cte("new"))


def came_before(event_id: Any) -> ColumnElement[bool]:
    """Return whether the event of an id was stored before those of the parameter `event_ids`."""
    found: ColumnElement[bool] = event_id.not_in(select(_came("event_ids").c.id))
    return found


def _came(parameter: str) -> TableValuedAlias:
    ids = cast(bindparam(parameter, type_=ARRAY(String)), ARRAY(String))
    return func.unnest(ids).table_valued("id").render_derived("came")


def days_of(new: type[LearningEvent]) -> type[DailyActivity]:
    """Return the rollup's rows of the days of these events, where there are any yet."""
    course = course_of(new).label("course")
    day = select(new.student_id, new.day, course).distinct().subquery("day")
    is_theirs = is_of_day(DailyActivity, day.c.student_id, day.c.day, day.c.course)
    row = lateral_lookup(select(DailyActivity).where(is_theirs).correlate(day), "row")
    return aliased(DailyActivity, select(row).join_from(day, row, true()).cte("stored"))


def is_of_day(
    stored: type[DailyActivity], student_id: Any, day: Any, course: Any
) -> ColumnElement[bool]:
    """Tell whether a row of the rollup is that student's of that day in that course."""
    return and_(stored.student_id == student_id, stored.day == day, stored.course == course)


def course_of(event: type[LearningEvent]) -> ColumnElement[str]:
    """Return an event's course as the rollup has it, where none is a course of its own."""
    return func.coalesce(event.course, "")
