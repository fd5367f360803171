"""Time series: events counted in buckets, and statistics of one metric."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, func, null, select
from sqlalchemy.orm import Session

from monitoring_service.database.logs import LOG_COLUMNS
from monitoring_service.errors import SeriesTooLong
from monitoring_service.models import MonitoringLog
from shared_db.errors import NeedsPostgresql
from shared_db.queries.dialects import Sqlite, dialect_of
from shared_db.queries.filters import Filter, conditions, readings
from shared_db.repository import Repository

MOST_BUCKETS = 2_000
MOST_POINTS = 10_000
PERCENTILES = (0.5, 0.95, 0.99)


class GroupBy(StrEnum):
    """Attribute whose values have one series each."""

    SOURCE = "source"
    COMPONENT = "component"
    STATUS = "status"


@dataclass(frozen=True)
class Series:
    """Series to compute: from `start` until before `end`, in buckets of so many seconds.

    metric: the keys of a number inside `data`, outermost first; without one only events are
    counted. As in filters, neighbours may also be one key with dots; the first number counts.
    """

    start: datetime
    end: datetime
    bucket_seconds: int
    group_by: GroupBy | None = None
    metric: tuple[str, ...] | None = None
    percentiles: bool = False
    filters: Sequence[Filter] = ()


@dataclass(frozen=True)
class Point:
    """One bucket: events, and of those that have the metric how many, mean, max, percentiles."""

    start: datetime
    group: str | None
    count: int
    measured: int
    mean: float | None
    max: float | None
    p50: float | None
    p95: float | None
    p99: float | None


class TimeseriesRepository(Repository):
    """Events over time, with a metric."""

    def compute(self, series: Series) -> Sequence[Point]:
        """Return events, and a metric, in buckets of time; empty buckets are left out.

        Raises:
            SeriesTooLong: more buckets or points than one answer holds.
            NeedsPostgresql: percentiles are asked of the in-memory store.
            QueryTooExpensive: the query takes longer than one statement may.

        """
        return self.read_filtered(lambda session: _points(session, series))


def _points(session: Session, series: Series) -> list[Point]:
    buckets = (series.end - series.start).total_seconds() / series.bucket_seconds
    if buckets > MOST_BUCKETS:
        raise SeriesTooLong(
            f"From start to end are {buckets:.0f} buckets, at most {MOST_BUCKETS} are given: "
            "choose a longer bucket or a shorter time."
        )
    rows = session.execute(_query(session, series).limit(MOST_POINTS + 1)).all()
    if len(rows) > MOST_POINTS:
        raise SeriesTooLong(
            f"There are more than {MOST_POINTS} points: choose a longer bucket, a shorter time, or "
            "filter."
        )
    return [Point(datetime.fromtimestamp(int(row[0]), UTC), *row[1:]) for row in rows]


def _query(session: Session, series: Series) -> Select[*tuple[Any, ...]]:
    dialect = dialect_of(session)
    epoch = dialect.epoch_seconds(MonitoringLog.timestamp)
    size = series.bucket_seconds
    # The remainder made positive, so that buckets before 1970 begin where they should.
    start = epoch - ((epoch % size) + size) % size
    group: ColumnElement[Any] = null().label("group")
    if series.group_by is not None:
        group = getattr(MonitoringLog, series.group_by).label("group")
    by = [start.label("start"), group]
    return (
        select(*by, func.count().label("events"), *_figures(session, series))
        .where(
            MonitoringLog.timestamp >= series.start,
            MonitoringLog.timestamp < series.end,
            *conditions(session, series.filters, LOG_COLUMNS),
        )
        .group_by("start", *(["group"] if series.group_by is not None else []))
        .order_by("start", *(["group"] if series.group_by is not None else []))
    )


def _figures(session: Session, series: Series) -> list[ColumnElement[Any]]:
    none: list[ColumnElement[Any]] = [null() for _ in PERCENTILES]
    if series.metric is None:
        return [func.count(null()), null(), null(), *none]
    dialect = dialect_of(session)
    found = [dialect.json_numeric(MonitoringLog.data, path) for path in readings(series.metric)]
    value = func.coalesce(*found) if len(found) > 1 else found[0]
    figures = [func.count(value), dialect.mean(value), dialect.maximum(value)]
    if not series.percentiles:
        return [*figures, *none]
    if isinstance(dialect, Sqlite):
        raise NeedsPostgresql("Percentiles are computed by PostgreSQL only; ask without them.")
    return [*figures, *(dialect.percentile(value, share) for share in PERCENTILES)]
