"""Events that were just inserted and the earlier totals of their days, as SQL to select from."""

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
    """Return the events with the ids of the parameter. PostgreSQL only."""
    ids = _ids(parameter)
    row = lateral_lookup(select(LearningEvent).where(LearningEvent.id == ids.c.id), "row")
    return aliased(LearningEvent, select(row).join_from(ids, row, true()).cte("new"))


def came_before(event_id: Any) -> ColumnElement[bool]:
    """Return the condition that the parameter `event_ids` does not list the id: stored before."""
    condition: ColumnElement[bool] = event_id.not_in(select(_ids("event_ids").c.id))
    return condition


def _ids(parameter: str) -> TableValuedAlias:
    ids = cast(bindparam(parameter, type_=ARRAY(String)), ARRAY(String))
    return func.unnest(ids).table_valued("id").render_derived("came")


def days_of(new: type[LearningEvent]) -> type[DailyActivity]:
    """Return the rollup rows of the days of these events, as far as they exist."""
    course = course_of(new).label("course")
    day = select(new.student_id, new.day, course).distinct().subquery("day")
    is_same = is_of_day(DailyActivity, day.c.student_id, day.c.day, day.c.course)
    row = lateral_lookup(select(DailyActivity).where(is_same).correlate(day), "row")
    return aliased(DailyActivity, select(row).join_from(day, row, true()).cte("stored"))


def is_of_day(
    stored: type[DailyActivity], student_id: Any, day: Any, course: Any
) -> ColumnElement[bool]:
    """Return the condition that a rollup row is of that student, day and course."""
    return and_(stored.student_id == student_id, stored.day == day, stored.course == course)


def course_of(event: type[LearningEvent]) -> ColumnElement[str]:
    """Return an event's course as in the rollup: empty text if the event names no course."""
    return func.coalesce(event.course, "")
