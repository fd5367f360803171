"""The events that were just stored, to select from: each looked up by its id."""

from sqlalchemy import String, bindparam, cast, func, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import aliased

from dropout_service.models import LearningEvent
from shared_db.dialects import looked_up


def new_events() -> type[LearningEvent]:
    """Return the events of the parameter `event_ids`; PostgreSQL's words."""
    ids = cast(bindparam("event_ids", type_=ARRAY(String)), ARRAY(String))
    came = func.unnest(ids).table_valued("id").render_derived("came")
    row = looked_up(select(LearningEvent).where(LearningEvent.id == came.c.id), "row")
    return aliased(LearningEvent, select(row).join_from(came, row, true()).cte("new"))
