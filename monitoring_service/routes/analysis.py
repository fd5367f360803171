"""Events over time, and events judged again."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query

from monitoring_service.database.timeseries import Found, GroupBy, Series
from monitoring_service.database.transformed import TOO_FEW_BUCKETS, has_value, transformed
from monitoring_service.dependencies import Monitoring
from monitoring_service.domain.transforms import Transform
from monitoring_service.errors import SeriesTooLong
from monitoring_service.routes.filters import SeriesFilters
from monitoring_service.routes.time_range import period
from monitoring_service.schemas.analysis import PointOut, ReevaluationOut, SeriesOut
from shared_db.errors import NeedsPostgresql, QueryTooExpensive
from shared_db.queries.pagination import MalformedCursor
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission
from shared_web.problems import InvalidRequest, documented
from shared_web.query.pagination import After
from shared_web.requests.expensive_reads import EXPENSIVE
from shared_web.requests.fields import Instant
from shared_web.whole_school.routes import WHOLE_SCHOOL

router = APIRouter(prefix="/monitoring", tags=["analysis"], route_class=AdmittedRoute)

READ = needs(Permission.SYSTEM_READ)
WRITE = needs(Permission.SYSTEM_WRITE)

DAY_MINUTES = 24 * 60


class Bucket(StrEnum):
    """Length of a bucket."""

    MINUTE = "1m"
    FIVE_MINUTES = "5m"
    QUARTER = "15m"
    HOUR = "1h"
    SIX_HOURS = "6h"
    DAY = "1d"

    @property
    def seconds(self) -> int:
        """The length in seconds."""
        return int(self[:-1]) * {"m": 60, "h": 3600, "d": 86400}[self[-1]]


Metric = Annotated[
    str | None,
    Query(
        pattern=r"^[A-Za-z0-9_-]{1,100}(\.[A-Za-z0-9_-]{1,100}){0,9}$",
        description="A number inside `data`: `response_time`, `timings.search`. A dot leads to an "
        "inner key, or is part of a key.",
    ),
]
Start = Annotated[Instant | None, Query(description="From when on; a day before the end.")]
End = Annotated[Instant | None, Query(description="Until before when; now.")]


@router.get(
    "/analytics/timeseries",
    dependencies=[READ, EXPENSIVE, WHOLE_SCHOOL],
    responses=documented(InvalidRequest, SeriesTooLong, QueryTooExpensive, NeedsPostgresql),
)
def get_timeseries(
    monitoring: Monitoring,
    filters: SeriesFilters,
    bucket: Bucket = Bucket.HOUR,
    group_by: GroupBy | None = None,
    metric: Metric = None,
    start: Start = None,
    end: End = None,
    *,
    percentiles: Annotated[
        bool, Query(description="Also p50, p95 and p99 of the metric; needs PostgreSQL.")
    ] = False,
    transform: Annotated[
        Transform | None,
        Query(
            description="Of the metric's mean, or of the count without a metric: values a second, "
            "the mean of the last `window` buckets, or trend, season and residual."
        ),
    ] = None,
    window: Annotated[int, Query(ge=2, le=1_000, description="Buckets of an average.")] = 7,
) -> SeriesOut:
    """Return events counted in buckets of time, with mean and max of a metric."""
    first, last = period(start, end)
    keys = tuple(metric.split(".")) if metric else None
    series = Series(first, last, bucket.seconds, group_by, keys, percentiles, filters)
    found = monitoring.timeseries.compute(series)
    if transform is None:
        return _out(series, found, list(map(PointOut.model_validate, found.points)))
    changed = transformed(series, found.points, transform, window)
    reason = None if any(map(has_value, changed)) else TOO_FEW_BUCKETS
    return _out(series, found, list(map(PointOut.model_validate, changed)), transform, reason)


@router.post(
    "/analysis/re-evaluate",
    dependencies=[WRITE, EXPENSIVE],
    responses=documented(InvalidRequest, MalformedCursor),
)
def reevaluate(
    monitoring: Monitoring,
    lookback_minutes: Annotated[float, Query(gt=0, le=366 * DAY_MINUTES)] = 60,
    after: After = None,
) -> ReevaluationOut:
    """Judge the events of the last minutes by the present rules; at most 10,000 in one request."""
    return ReevaluationOut.model_validate(monitoring.retention.reevaluate(lookback_minutes, after))


def _out(
    series: Series,
    found: Found,
    points: list[PointOut],
    transform: Transform | None = None,
    reason: str | None = None,
) -> SeriesOut:
    return SeriesOut(
        start=series.start,
        end=series.end,
        bucket_seconds=series.bucket_seconds,
        transform=transform,
        missing_because=reason,
        from_rollups=found.from_rollups,
        points=points,
    )
