"""First use of each type of resource by a student in a course, stored with the events.

The first day only ever moves back, so new events alone are enough to update it: replays and any
order of arrival give the same.
"""

from collections.abc import Sequence
from functools import cache

from sqlalchemy import ColumnElement, Insert, func, select, true
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from dropout_service.database.events.inserted import course_of, new_events
from dropout_service.models import LearningEvent, ResourceUse
from shared_db.columns import Row
from shared_db.queries.dialects import in_list

KEY = ("student_id", "course", "resource_type")


def update_uses_of_events(session: Session, events: Sequence[Row]) -> None:
    """Update the first days by events that were just inserted; their students must be locked."""
    views = [event["id"] for event in events if event["resource_type"] is not None]
    if views:
        session.execute(_of_events(_dialect(session)), {"event_ids": views})


def update_uses_of_students(session: Session, student_ids: Sequence[str]) -> None:
    """Update the first days by all events of these students, who must be locked."""
    session.execute(_of_students(_dialect(session)), {"student_ids": student_ids})


def _dialect(session: Session) -> str:
    return session.get_bind().dialect.name


@cache
def _of_events(dialect: str) -> Insert:
    if dialect == "sqlite":
        return _upsert(dialect, LearningEvent, in_list(LearningEvent.id, "event_ids", dialect))
    return _upsert(dialect, new_events(), true())


@cache
def _of_students(dialect: str) -> Insert:
    is_own = in_list(LearningEvent.student_id, "student_ids", dialect)
    return _upsert(dialect, LearningEvent, is_own)


def _upsert(dialect: str, event: type[LearningEvent], where: ColumnElement[bool]) -> Insert:
    course = course_of(event)
    key = (event.student_id, course, event.resource_type)
    uses = (
        select(*key, func.min(event.day))
        .where(where, event.resource_type.is_not(None))
        .group_by(*key)
    )
    insert = (sqlite if dialect == "sqlite" else postgresql).insert(ResourceUse.__table__)
    statement = insert.from_select([*KEY, "first_day"], uses)
    earlier = statement.excluded.first_day
    upsert: Insert = statement.on_conflict_do_update(
        index_elements=KEY,
        set_={"first_day": earlier},
        where=earlier < ResourceUse.first_day,
    )
    return upsert
