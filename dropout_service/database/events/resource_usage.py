"""Which types of resources a student used in a course, and when first; kept with the events.

The first day only ever moves back, so it is brought up to new events from them alone: repeats and
any order of arrival give the same.
"""

from collections.abc import Sequence
from functools import cache

from sqlalchemy import ColumnElement, Insert, func, select, true
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from dropout_service.database.events.inserted import course_of, new_events
from dropout_service.models import LearningEvent, ResourceUse
from shared_db.queries.dialects import in_list

KEY = ("student_id", "course", "resource_type")


def note_uses_of_events(session: Session, events: Sequence[LearningEvent]) -> None:
    """Bring the first days up to events that were just stored; their students must be locked."""
    views = [event.id for event in events if event.resource_type is not None]
    if views:
        session.execute(_of_events(_dialect(session)), {"event_ids": views})


def note_uses_of_students(session: Session, student_ids: Sequence[str]) -> None:
    """Bring the first days up to all events of these students, who must be locked."""
    session.execute(_of_students(_dialect(session)), {"student_ids": student_ids})


def _dialect(session: Session) -> str:
    return session.get_bind().dialect.name


@cache
def _of_events(dialect: str) -> Insert:
    if dialect == "sqlite":
        return _noting(dialect, LearningEvent, in_list(LearningEvent.id, "event_ids", dialect))
    return _noting(dialect, new_events(), true())


@cache
def _of_students(dialect: str) -> Insert:
    is_theirs = in_list(LearningEvent.student_id, "student_ids", dialect)
    return _noting(dialect, LearningEvent, is_theirs)


def _noting(dialect: str, event: type[LearningEvent], where: ColumnElement[bool]) -> Insert:
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
