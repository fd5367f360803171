"""The events that were just stored, and what their days came to before: to select from."""

from sqlalchemy import String, bindparam, cast, func, select, true
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
    course = func.coalesce(new.course, "").label("course")
    day = select(new.student_id, new.day, course).distinct().subquery("day")
    is_of_day = (
        (DailyActivity.student_id == day.c.student_id)
        & (DailyActivity.day == day.c.day)
        & (DailyActivity.course == day.c.course)
    )
    row = looked_up(select(DailyActivity).where(is_of_day).correlate(day), "row")
    return aliased(DailyActivity, select(row).join_from(day, row, true()).cte("stored"))
