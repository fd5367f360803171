"""Transforms of time series: rate, moving average, and seasonal decomposition."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean

HOUR_SECONDS, DAY_SECONDS, WEEK_SECONDS = 3_600, 86_400, 604_800
# A decomposition of fewer seasons would take chance for a season.
LEAST_SEASONS = 2
Values = Sequence[float | None]


class Transform(StrEnum):
    """Transform of a series."""

    RATE = "rate"
    MOVING_AVERAGE = "moving_average"
    SEASONAL = "seasonal"


@dataclass(frozen=True)
class Decomposed:
    """Additive parts of one value: it is their sum. Near the ends of a series there is no trend."""

    trend: float | None
    seasonal: float
    residual: float | None


def season_of(bucket_seconds: int) -> int:
    """Return the number of buckets of a season: a week of days, otherwise a day."""
    return (WEEK_SECONDS if bucket_seconds >= DAY_SECONDS else DAY_SECONDS) // bucket_seconds


def rate(values: Values, bucket_seconds: int) -> list[float | None]:
    """Return values a second."""
    return [None if value is None else value / bucket_seconds for value in values]


def moving_average(values: Values, window: int) -> list[float | None]:
    """Return the mean of each value and those before it, `window` in all.

    None where the window reaches before the series or has an unknown value.
    """
    return [_mean(values[max(end - window, 0) : end], window) for end in range(1, len(values) + 1)]


def decompose(values: Values, season: int) -> list[Decomposed] | None:
    """Return the parts of each value by classical additive decomposition.

    The trend is the centred mean over one season (half weight at both ends if its length is even),
    the season the mean distance from the trend at each place in it, less the mean of all places.
    Source: Hyndman, Athanasopoulos, Forecasting: Principles and Practice (3rd ed.), section 3.4.
    Returns None if the values are fewer than two seasons, or a place has no value with a trend.
    """
    if season < LEAST_SEASONS or len(values) < LEAST_SEASONS * season:
        return None
    trend = [_trend(values, place, season) for place in range(len(values))]
    places: list[float] = []
    for start in range(season):
        distances = [
            value - level
            for value, level in zip(values[start::season], trend[start::season], strict=True)
            if value is not None and level is not None
        ]
        if not distances:
            return None
        places.append(fmean(distances))
    centre = fmean(places)
    found = []
    for place, (value, level) in enumerate(zip(values, trend, strict=True)):
        seasonal = places[place % season] - centre
        is_known = value is not None and level is not None
        residual = value - level - seasonal if is_known else None  # type: ignore[operator] # both known
        found.append(Decomposed(level, seasonal, residual))
    return found


def _trend(values: Values, place: int, season: int) -> float | None:
    half = season // 2
    if place < half or place + half >= len(values):
        return None
    around = values[place - half : place + half + 1]
    known = [value for value in around if value is not None]
    if len(known) < len(around):
        return None
    if season % 2:
        return fmean(known)
    return (sum(known[1:-1]) + (known[0] + known[-1]) / 2) / season


def _mean(values: Values, needed: int) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if len(known) == needed else None
