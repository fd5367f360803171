"""Trend of percentages over time."""

from collections.abc import Sequence
from datetime import datetime, timedelta

MIN_MARKS = 3
MIN_SPAN = timedelta(days=7)

_DAYS = 30
_DAY = timedelta(days=1)

Points = Sequence[tuple[datetime, float]]


def slope_per_30_days(groups: Sequence[Points]) -> float | None:
    """Return the least-squares slope of the values over time, in points per 30 days.

    groups: instants with values of 0 to 100. Each group has its own intercept and all share one
    slope (ordinary least squares with fixed effects), so a change between groups is no trend.

    None below three points, or if no group spans seven days: over hours, a small difference would
    be a slope of hundreds of points.
    """
    if sum(map(len, groups)) < MIN_MARKS or _longest_span(groups) < MIN_SPAN:
        return None
    covariance = variance = 0.0
    for group in groups:
        start = min(at for at, _ in group)
        times = [(at - start) / _DAY for at, _ in group]
        values = [value for _, value in group]
        middle, level = sum(times) / len(times), sum(values) / len(values)
        variance += sum((t - middle) ** 2 for t in times)
        covariance += sum((t - middle) * (v - level) for t, v in zip(times, values, strict=True))
    return _DAYS * covariance / variance


def _longest_span(groups: Sequence[Points]) -> timedelta:
    spans = [max(at for at, _ in group) - min(at for at, _ in group) for group in groups if group]
    return max(spans, default=timedelta(0))
