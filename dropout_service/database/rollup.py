"""The daily rollup: what a student's events of a day come to, kept with the events.

What comes in time order is added to its day. What does not, and an answer before others to the same
question, has whole days recomputed from their events: so a repeat counts once, and the order of
arrival changes nothing. With the students' rows locked parallel writers cannot lose each other's.
"""

from collections.abc import Sequence
from functools import cache

from sqlalchemy import (
    ColumnElement,
    Insert,
    Integer,
    Select,
    String,
    Subquery,
    bindparam,
    cast,
    func,
    select,
    tuple_,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from dropout_service.database.daily import added, daily, rounded
from dropout_service.database.late_days import late_days, touched_by_events
from dropout_service.database.new_events import days_of, new_events
from dropout_service.database.resource_uses import note_uses_of_events, note_uses_of_students
from dropout_service.models import DailyActivity, LearningEvent
from shared_db.dialects import among

KEY = ("student_id", "day", "course")
COLUMNS = tuple(column.key for column in DailyActivity.__table__.columns)

_PLACE = tuple_(LearningEvent.student_id, LearningEvent.day)


def refresh_days_of(session: Session, events: Sequence[LearningEvent]) -> None:
    """Bring the rollup up to events that were just stored; their students must be locked."""
    if not events:
        return
    came = {"event_ids": [event.id for event in events]}
    if _dialect(session) == "sqlite":
        session.execute(_recomputing_touched(), came)
    elif late := session.execute(_adding(), came).all():
        student_ids, days = zip(*late, strict=True)
        found = {"student_ids": list(student_ids), "days": list(days)}
        session.execute(_recomputing(), found)
    note_uses_of_events(session, events)


def rebuild_days_of(session: Session, student_ids: Sequence[str]) -> None:
    """Make the rollup of these students from all their events."""
    if student_ids:
        session.execute(_rebuilding(_dialect(session)), {"student_ids": student_ids})
        note_uses_of_students(session, student_ids)


def _dialect(session: Session) -> str:
    return session.get_bind().dialect.name


# Kept, because putting them together takes longer than running them for one event.
@cache
def _adding() -> Select[str, int]:
    """Return what adds the new events to their days, and tells which days it left to recompute."""
    new = new_events()
    stored = days_of(new)
    late = late_days(new, stored).cte("late")
    is_in_time = tuple_(new.student_id, new.day).not_in(select(*late.c))
    insert = _inserted("postgresql", added(new, stored, is_in_time))
    before, more = DailyActivity.__table__.c, insert.excluded
    changed = {name: before[name] + more[name] for name in COLUMNS if name not in KEY}
    changed |= {
        "first_at": func.least(before.first_at, more.first_at),
        "last_at": func.greatest(before.last_at, more.last_at),
        "session_seconds": rounded(before.session_seconds + more.session_seconds),
    }
    adding = insert.on_conflict_do_update(index_elements=KEY, set_=changed)
    return select(*late.c).add_cte(adding.returning(before.day).cte("adding"))


@cache
def _recomputing() -> Insert:
    lists = [
        cast(bindparam(name, type_=ARRAY(kind)), ARRAY(kind))
        for name, kind in (("student_ids", String()), ("days", Integer()))
    ]
    place = func.unnest(*lists).table_valued("student_id", "day").render_derived()
    return _storing("postgresql", _PLACE.in_(select(place.c.student_id, place.c.day)))


@cache
def _recomputing_touched() -> Insert:
    return _storing("sqlite", _PLACE.in_(touched_by_events()))


@cache
def _rebuilding(dialect: str) -> Insert:
    return _storing(dialect, among(LearningEvent.student_id, "student_ids", dialect))


def _storing(dialect: str, where: ColumnElement[bool]) -> Insert:
    insert = _inserted(dialect, daily(where))
    changed = {name: insert.excluded[name] for name in COLUMNS if name not in KEY}
    upsert: Insert = insert.on_conflict_do_update(index_elements=KEY, set_=changed)
    return upsert


def _inserted(dialect: str, days: Subquery) -> postgresql.Insert | sqlite.Insert:
    # SQLite's parser takes the ON of ON CONFLICT for a join's, unless there is a WHERE before it.
    rows = select(*(days.c[name] for name in COLUMNS)).where(days.c.events > 0)
    insert = (sqlite if dialect == "sqlite" else postgresql).insert(DailyActivity.__table__)
    inserted: postgresql.Insert | sqlite.Insert = insert.from_select(COLUMNS, rows)
    return inserted
