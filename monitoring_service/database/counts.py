"""Counts of events, changed in the transactions that change the events."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import NamedTuple, TypedDict

from sqlalchemy import BigInteger, Select, case, cast, delete, func, select, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import Session

from monitoring_service.domain.findings import HealthStatus
from monitoring_service.models import LogCount, MonitoringLog
from shared_db.columns import Row

SLOTS = 4


class CountKey(NamedTuple):
    """Key of a count; writers lock the counts in its sort order."""

    source: str
    month: date
    status: HealthStatus
    slot: int


_COLUMNS = (*CountKey._fields, "count")
# One statement however many counts change: each would be a round trip while others wait for them.
_ADD = text(
    "INSERT INTO monitoring.log_counts (source, month, status, slot, count)"
    " SELECT * FROM unnest(CAST(:source AS varchar[]), CAST(:month AS date[]),"
    " CAST(:status AS varchar[]), CAST(:slot AS smallint[]), CAST(:count AS bigint[]))"
    " ON CONFLICT (source, month, status, slot)"
    " DO UPDATE SET count = log_counts.count + excluded.count"
)


class Statistics(TypedDict):
    """Numbers of stored events; the instants are None if there is none."""

    total_logs: int
    status_distribution: dict[HealthStatus, int]
    unique_sources: int
    oldest_log: datetime | None
    newest_log: datetime | None


def key_of_row(row: Row) -> CountKey:
    """Return the key under which an event's row is counted."""
    return count_key(row["source"], row["timestamp"], row["status"], row["id"])


def count_key(source: str, timestamp: datetime, status: HealthStatus, event_id: str) -> CountKey:
    """Return the key under which an event with these values is counted.

    The slot is the last byte of the id, modulo 4, which SQL can compute, too.
    """
    return CountKey(source, month_of(timestamp), status, event_id.encode()[-1] % SLOTS)


def month_of(timestamp: datetime) -> date:
    """Return the first day of the month (UTC) of an instant."""
    return timestamp.astimezone(UTC).date().replace(day=1)


def increment_counts(session: Session, changes: Mapping[CountKey, int]) -> None:
    """Add to the counts. All writers lock them in the same order, so they cannot deadlock."""
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


def delete_empty_counts(session: Session, before: datetime) -> None:
    """Delete the counts of months before that of `before` that are zero."""
    is_over = LogCount.month < month_of(before)
    session.execute(delete(LogCount).where(LogCount.count == 0, is_over))


def statistics(session: Session) -> Statistics:
    """Return the statistics as of one instant, because it is one statement."""
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
    """Return the query of the sources that have events: counts and latest timestamp."""
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
