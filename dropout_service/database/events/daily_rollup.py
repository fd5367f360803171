"""Daily rollup: totals of a student's events by day and course, stored with the events.

Events in time order are added to the totals of their days. Late events are added too, and the
contributions of neighbouring stored events are corrected; no day is read again. The in-memory store
recomputes the days. Either way a replay counts once, and the order of arrival changes nothing. The
students' rows are locked, so that parallel writers lose no update.
"""

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Insert,
    Integer,
    Select,
    String,
    Subquery,
    bindparam,
    cast,
    column,
    func,
    select,
    tuple_,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from dropout_service.database.events.corrections import changes
from dropout_service.database.events.daily_query import (
    COLUMNS,
    KEY,
    day_increments,
    day_totals,
    rounded,
)
from dropout_service.database.events.inserted import days_of, new_events
from dropout_service.database.events.out_of_order import changed_days, late_days
from dropout_service.database.events.resource_usage import (
    update_uses_of_events,
    update_uses_of_students,
)
from dropout_service.models import DailyActivity, LearningEvent
from shared_db.columns import Row
from shared_db.queries.dialects import in_list

_TABLE: Any = DailyActivity.__table__
_STUDENT_DAY = tuple_(LearningEvent.student_id, LearningEvent.day)


def refresh_days_of(session: Session, events: Sequence[Row]) -> None:
    """Add events that were just inserted to the rollup; their students must be locked."""
    if not events:
        return
    new = {"event_ids": [event["id"] for event in events]}
    if _dialect(session) == "sqlite":
        session.execute(_recompute_changed(), new)
    elif late := session.execute(_add_in_time(), new).all():
        days = {tuple(day) for day in late}
        late_ids = [event["id"] for event in events if (event["student_id"], event["day"]) in days]
        session.execute(_add_late(), {**new, "late_ids": late_ids})
    update_uses_of_events(session, events)


def rebuild_days_of(session: Session, student_ids: Sequence[str]) -> None:
    """Recompute the rollup of these students from all their events."""
    if student_ids:
        session.execute(_rebuild(_dialect(session)), {"student_ids": student_ids})
        update_uses_of_students(session, student_ids)


def recompute_days(session: Session, student_days: Collection[tuple[str, int]]) -> None:
    """Recompute the rollup of these days of students, who must be locked."""
    if not student_days:
        return
    days = sorted(student_days)
    if _dialect(session) == "sqlite":
        session.execute(_upsert("sqlite", _STUDENT_DAY.in_(days)))
        return
    # Two arrays, which PostgreSQL looks up by index; for a list of pairs it reads the whole table.
    parameters = {"ids": [id_ for id_, _ in days], "days": [day for _, day in days]}
    session.execute(_recompute_days(), parameters)


def _dialect(session: Session) -> str:
    return session.get_bind().dialect.name


# Cached, because building these statements takes longer than running them for one event.
@cache
def _add_in_time() -> Select[str, int]:
    """Return the statement that adds new events to their days and selects the late days."""
    new = new_events()
    stored = days_of(new)
    late = late_days(new, stored).cte("late")
    is_in_time = tuple_(new.student_id, new.day).not_in(select(*late.c))
    adding = _add_up(day_increments(new, stored, is_in_time))
    returning = adding.returning(_TABLE.c.day)
    return select(*late.c).add_cte(returning.cte("adding"))


@cache
def _add_late() -> Insert:
    """Return the statement that adds late events and corrects the contributions of stored ones."""
    late = new_events("late_ids")
    return _add_up(changes(late, days_of(late)))


def _add_up(days: Subquery) -> postgresql.Insert:
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
def _recompute_changed() -> Insert:
    return _upsert("sqlite", _STUDENT_DAY.in_(changed_days()))


@cache
def _recompute_days() -> Insert:
    ids, days = bindparam("ids", type_=ARRAY(String)), bindparam("days", type_=ARRAY(Integer))
    columns = (column("student_id", String), column("day", Integer))
    pairs = func.unnest(cast(ids, ARRAY(String)), cast(days, ARRAY(Integer)))
    listed = pairs.table_valued(*columns).render_derived("listed")
    return _upsert("postgresql", _STUDENT_DAY.in_(select(listed.c.student_id, listed.c.day)))


@cache
def _rebuild(dialect: str) -> Insert:
    return _upsert(dialect, in_list(LearningEvent.student_id, "student_ids", dialect))


def _upsert(dialect: str, where: ColumnElement[bool]) -> Insert:
    insert = _insert(dialect, day_totals(where))
    changed = {name: insert.excluded[name] for name in COLUMNS if name not in KEY}
    upsert: Insert = insert.on_conflict_do_update(index_elements=KEY, set_=changed)
    return upsert


def _insert(dialect: str, days: Subquery) -> postgresql.Insert | sqlite.Insert:
    # SQLite's parser takes the ON of ON CONFLICT for a join's, unless there is a WHERE before it.
    rows = select(*(days.c[name] for name in COLUMNS)).where(days.c.events > 0)
    insert = (sqlite if dialect == "sqlite" else postgresql).insert(_TABLE)
    inserted: postgresql.Insert | sqlite.Insert = insert.from_select(COLUMNS, rows)
    return inserted
