"""Points of a series with a transform: every bucket has one, also without events."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from monitoring_service.database.timeseries import Point, Series
from monitoring_service.domain.transforms import (
    Transform,
    decompose,
    moving_average,
    rate,
    season_of,
)
from monitoring_service.errors import SeriesTooLong

TOO_FEW_BUCKETS = "too few buckets in a row with a value: ask for a longer time or shorter buckets"
_MOST_POINTS = 10_000


@dataclass(frozen=True)
class TransformedPoint(Point):
    """Bucket with its transformed value, or with the parts of a decomposition."""

    transformed: float | None = None
    trend: float | None = None
    seasonal: float | None = None
    residual: float | None = None


def transformed(
    series: Series, points: Sequence[Point], transform: Transform, window: int
) -> list[TransformedPoint]:
    """Return all buckets with the transform, by time and group.

    Raises:
        SeriesTooLong: buckets times groups are more than one answer holds.

    """
    groups: dict[str | None, dict[datetime, Point]] = defaultdict(dict)
    for point in points:
        groups[point.group][point.start] = point
    starts = _starts(series)
    if len(starts) * len(groups) > _MOST_POINTS:
        raise SeriesTooLong(
            f"With empty buckets there are more than {_MOST_POINTS} points: choose a longer bucket,"
            " a shorter time, or filter."
        )
    found: list[TransformedPoint] = []
    for group, known in groups.items():
        whole = [known.get(start) or _empty(start, group) for start in starts]
        found += _of_group(series, whole, transform, window)
    return sorted(found, key=lambda point: (point.start, point.group or ""))


def has_value(point: TransformedPoint) -> bool:
    """Return True if the transform gave the bucket a value."""
    return point.transformed is not None or point.trend is not None


def _of_group(
    series: Series, points: Sequence[Point], transform: Transform, window: int
) -> list[TransformedPoint]:
    values = [point.mean if series.metric else float(point.count) for point in points]
    plain = [TransformedPoint(**vars(point)) for point in points]
    if transform is Transform.SEASONAL:
        parts = decompose(values, season_of(series.bucket_seconds))
        return plain if parts is None else list(map(_with_parts, plain, parts))
    changed = (
        rate(values, series.bucket_seconds)
        if transform is Transform.RATE
        else moving_average(values, window)
    )
    return [replace(point, transformed=value) for point, value in zip(plain, changed, strict=True)]


def _with_parts(point: TransformedPoint, parts: object) -> TransformedPoint:
    return replace(point, **vars(parts))


def _starts(series: Series) -> list[datetime]:
    size = series.bucket_seconds
    first = int(series.start.timestamp() // size) * size
    last = series.end.timestamp()
    return [
        datetime.fromtimestamp(at, UTC) for at in range(first, -int(-last // 1), size) if at < last
    ]


def _empty(start: datetime, group: str | None) -> Point:
    return Point(start, group, 0, 0, None, None, None, None, None)
