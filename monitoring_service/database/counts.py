"""How many events there are, kept in the transactions that change the events."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import NamedTuple, TypedDict

from sqlalchemy import BigInteger, Select, case, cast, delete, func, select, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import Session

from monitoring_service.domain.findings import HealthStatus
from monitoring_service.models import LogCount, MonitoringLog
from shared_db.columns import values_of

SLOTS = 4


class CountKey(NamedTuple):
    """What is counted together; sorting by it is the order in which writers lock the counts."""

    source: str
    day: date
    status: HealthStatus
    slot: int


_COLUMNS = (*CountKey._fields, "count")
# One statement however many counts change: each would be a round trip while others wait for them.
_ADD = text(
    "INSERT INTO monitoring.log_counts (source, day, status, slot, count)"
    " SELECT * FROM unnest(CAST(:source AS varchar[]), CAST(:day AS date[]),"
    " CAST(:status AS varchar[]), CAST(:slot AS smallint[]), CAST(:count AS bigint[]))"
    " ON CONFLICT (source, day, status, slot)"
    " DO UPDATE SET count = log_counts.count + excluded.count"
)


class Statistics(TypedDict):
    """What is stored; the instants are None when nothing is."""

    total_logs: int
    status_distribution: dict[HealthStatus, int]
    unique_sources: int
    oldest_log: datetime | None
    newest_log: datetime | None


def key_of(log: MonitoringLog) -> CountKey:
    """Return where an event is counted."""
    values = values_of(log)
    return key(values["source"], values["timestamp"], values["status"], values["digest"])


def key(source: str, timestamp: datetime, status: HealthStatus, digest: bytes) -> CountKey:
    """Return where an event with these values is counted."""
    return CountKey(source, timestamp.astimezone(UTC).date(), status, digest[0] % SLOTS)


def change_counts(session: Session, changes: Mapping[CountKey, int]) -> None:
    """Add to the counts; every writer in the same order, so that none waits in a ring."""
    rows = [(*key, n) for key, n in sorted(changes.items()) if n]
    if not rows:
        return
    if session.get_bind().dialect.name == "postgresql":
        columns = zip(_COLUMNS, zip(*rows, strict=True), strict=True)
        session.execute(_ADD, {name: list(values) for name, values in columns})
        return
    insert = sqlite.insert(LogCount)
    added = {"count": LogCount.count + insert.excluded["count"]}
    statement = insert.on_conflict_do_update(index_elements=_COLUMNS[:-1], set_=added)
    session.execute(statement, [dict(zip(_COLUMNS, row, strict=True)) for row in rows])


def forget_empty_counts(session: Session, before: date) -> None:
    """Delete the counts of days before `before` that have come down to nothing."""
    session.execute(delete(LogCount).where(LogCount.count == 0, LogCount.day < before))


def statistics(session: Session) -> Statistics:
    """Return what is stored, all of it as of one instant because it is one statement."""
    oldest = select(func.min(MonitoringLog.timestamp)).scalar_subquery()
    newest = select(func.max(MonitoringLog.timestamp)).scalar_subquery()
    query = (
        select(LogCount.source, LogCount.status, func.sum(LogCount.count), oldest, newest)
        .group_by(LogCount.source, LogCount.status)
        .having(func.sum(LogCount.count) > 0)
    )
    rows = session.execute(query).all()
    by_status = dict.fromkeys(HealthStatus, 0)
    for _, status, count, _, _ in rows:
        by_status[status] += int(count)
    return Statistics(
        total_logs=sum(by_status.values()),
        status_distribution=by_status,
        unique_sources=len({row[0] for row in rows}),
        oldest_log=rows[0][3] if rows else None,
        newest_log=rows[0][4] if rows else None,
    )


def sources_counted() -> Select[tuple[str, int, int, int, int, datetime]]:
    """Return the query of the sources that have events: counts, and when last heard."""
    counted = func.sum(LogCount.count)
    by_status = [
        cast(
            func.sum(case((LogCount.status == status, LogCount.count), else_=0)), BigInteger
        ).label(status.value.lower())
        for status in HealthStatus
    ]
    counts = (
        select(LogCount.source, cast(counted, BigInteger).label("total"), *by_status)
        .group_by(LogCount.source)
        .having(counted > 0)
        .subquery()
    )
    last_seen = (
        select(func.max(MonitoringLog.timestamp))
        .where(MonitoringLog.source == counts.c.source)
        .correlate(counts)
        .scalar_subquery()
    )
    return select(*counts.c, last_seen.label("last_seen"))
