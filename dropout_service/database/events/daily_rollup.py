"""The daily rollup: what a student's events of a day come to, kept with the events.

Events that come in time order are added to their days. Those that come late are, too, and the
contributions of stored events next to them are corrected; a day is not read again. In memory the
days are recomputed. Either way a repeat counts once, and the order of arrival changes nothing. With
the students' rows locked parallel writers cannot lose each other's.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Insert,
    Select,
    Subquery,
    func,
    select,
    tuple_,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from dropout_service.database.events.corrections import changes
from dropout_service.database.events.daily_query import COLUMNS, KEY, added, daily, rounded
from dropout_service.database.events.inserted import days_of, new_events
from dropout_service.database.events.out_of_order import late_days, touched_by_events
from dropout_service.database.events.resource_usage import (
    note_uses_of_events,
    note_uses_of_students,
)
from dropout_service.models import DailyActivity, LearningEvent
from shared_db.queries.dialects import in_list

_TABLE: Any = DailyActivity.__table__
_PLACE = tuple_(LearningEvent.student_id, LearningEvent.day)


def refresh_days_of(session: Session, events: Sequence[LearningEvent]) -> None:
    """Bring the rollup up to events that were just stored; their students must be locked."""
    if not events:
        return
    came = {"event_ids": [event.id for event in events]}
    if _dialect(session) == "sqlite":
        session.execute(_recomputing_touched(), came)
    elif late := session.execute(_adding(), came).all():
        days = {tuple(day) for day in late}
        late_ids = [event.id for event in events if (event.student_id, event.day) in days]
        session.execute(_inserting(), {**came, "late_ids": late_ids})
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
    """Return what adds new events to their days, and selects the late days that it left out."""
    new = new_events()
    stored = days_of(new)
    late = late_days(new, stored).cte("late")
    is_in_time = tuple_(new.student_id, new.day).not_in(select(*late.c))
    adding = _adding_up(added(new, stored, is_in_time))
    returning = adding.returning(_TABLE.c.day)
    return select(*late.c).add_cte(returning.cte("adding"))


@cache
def _inserting() -> Insert:
    """Return what adds late events to their days and corrects those of stored ones."""
    late = new_events("late_ids")
    return _adding_up(changes(late, days_of(late)))


def _adding_up(days: Subquery) -> postgresql.Insert:
    rows = select(*(days.c[name] for name in COLUMNS))
    insert = postgresql.insert(_TABLE).from_select(COLUMNS, rows)
    before, more = _TABLE.c, insert.excluded
    changed = {name: before[name] + more[name] for name in COLUMNS if name not in KEY}
    changed |= {
        "first_at": func.least(before.first_at, more.first_at),
        "last_at": func.greatest(before.last_at, more.last_at),
        "session_seconds": rounded(before.session_seconds + more.session_seconds),
    }
    adding: postgresql.Insert = insert.on_conflict_do_update(index_elements=KEY, set_=changed)
    return adding


@cache
def _recomputing_touched() -> Insert:
    return _storing("sqlite", _PLACE.in_(touched_by_events()))


@cache
def _rebuilding(dialect: str) -> Insert:
    return _storing(dialect, in_list(LearningEvent.student_id, "student_ids", dialect))


def _storing(dialect: str, where: ColumnElement[bool]) -> Insert:
    insert = _inserted(dialect, daily(where))
    changed = {name: insert.excluded[name] for name in COLUMNS if name not in KEY}
    upsert: Insert = insert.on_conflict_do_update(index_elements=KEY, set_=changed)
    return upsert


def _inserted(dialect: str, days: Subquery) -> postgresql.Insert | sqlite.Insert:
    # SQLite's parser takes the ON of ON CONFLICT for a join's, unless there is a WHERE before it.
    rows = select(*(days.c[name] for name in COLUMNS)).where(days.c.events > 0)
    insert = (sqlite if dialect == "sqlite" else postgresql).insert(_TABLE)
    inserted: postgresql.Insert | sqlite.Insert = insert.from_select(COLUMNS, rows)
    return inserted
