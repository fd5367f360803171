"""Time series: events counted in buckets, and statistics of one metric."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from re import fullmatch
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, func, null, select
from sqlalchemy.orm import Session

from monitoring_service.database.logs import LOG_COLUMNS
from monitoring_service.database.rollups.making import HOUR_SECONDS, METRIC
from monitoring_service.database.rollups.series import Asked, rolled_points
from monitoring_service.errors import SeriesTooLong
from monitoring_service.models import MonitoringLog
from shared_db.errors import NeedsPostgresql
from shared_db.queries.dialects import Operator, Sqlite, dialect_of
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


@dataclass(frozen=True)
class Found:
    """Points of a series; from_rollups: parts were read from rollups, so percentiles are near."""

    points: Sequence[Point]
    from_rollups: bool


class TimeseriesRepository(Repository):
    """Events over time, with a metric."""

    def compute(self, series: Series) -> Found:
        """Return events, and a metric, in buckets of time; empty buckets are left out.

        Raises:
            SeriesTooLong: more buckets or points than one answer holds.
            NeedsPostgresql: percentiles are asked of the in-memory store.
            QueryTooExpensive: the query takes longer than one statement may.

        """
        _require_few_buckets(series)
        asked = _asked(series)
        if asked is not None and not self.use_fallback:
            rolled = self.read_filtered(
                lambda session: rolled_points(session, asked, MOST_POINTS + 1), is_snapshot=True
            )
            if rolled is not None:
                _require_few_points(rolled)
                points = [_rolled_point(row, series) for row in rolled]
                return Found(points, from_rollups=True)
        points = self.read_filtered(lambda session: _points(session, series))
        return Found(points, from_rollups=False)


def _asked(series: Series) -> Asked | None:
    """Return the series as rollups can answer it, or None."""
    is_by_source = series.group_by is GroupBy.SOURCE
    path = series.metric or ("",)
    is_named = len(path) == 1 and (series.metric is None or fullmatch(METRIC, path[0]))
    if series.bucket_seconds % HOUR_SECONDS or not is_named or len(series.filters) > 1:
        return None
    if series.group_by is not None and not is_by_source:
        return None
    sources = None
    for wanted in series.filters:
        if wanted.field != "source" or wanted.operator not in {Operator.EQ, Operator.IN}:
            return None
        sources = wanted.value if wanted.operator is Operator.IN else [wanted.value]
    # An empty name would mean all sources.
    named = None if sources is None else [source for source in sources if source]
    times = (series.start, series.end, series.bucket_seconds)
    return Asked(*times, named, is_by_source, path[0], percentiles=series.percentiles)


def _rolled_point(row: RowMapping, series: Series) -> Point:
    percentiles = (row["p50"], row["p95"], row["p99"]) if series.percentiles else (None,) * 3
    start = row["bucket"].astimezone(UTC)
    counts = (row["events"], row["measured"])
    return Point(start, row["grouped"], *counts, row["mean"], row["max"], *percentiles)


def _require_few_buckets(series: Series) -> None:
    buckets = (series.end - series.start).total_seconds() / series.bucket_seconds
    if buckets > MOST_BUCKETS:
        raise SeriesTooLong(
            f"From start to end are {buckets:.0f} buckets, at most {MOST_BUCKETS} are given: "
            "choose a longer bucket or a shorter time."
        )


def _points(session: Session, series: Series) -> list[Point]:
    rows = session.execute(_query(session, series).limit(MOST_POINTS + 1)).all()
    _require_few_points(rows)
    return [Point(datetime.fromtimestamp(int(row[0]), UTC), *row[1:]) for row in rows]


def _require_few_points(rows: Sequence[object]) -> None:
    if len(rows) > MOST_POINTS:
        raise SeriesTooLong(
            f"There are more than {MOST_POINTS} points: choose a longer bucket, a shorter time, or "
            "filter."
        )


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
