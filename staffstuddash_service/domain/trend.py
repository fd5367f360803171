"""The trend of percentages over time."""

from collections.abc import Sequence
from datetime import datetime, timedelta

MARKS_FOR_TREND = 3
SHORTEST_SPAN = timedelta(days=7)

_DAYS = 30
_DAY = timedelta(days=1)

Points = Sequence[tuple[datetime, float]]


def slope_per_30_days(groups: Sequence[Points]) -> float | None:
    """Return the least-squares slope of the values over time, in points per 30 days.

    groups: instants with values of 0 to 100. Each group has its own level and all share one slope
    (ordinary least squares with fixed effects), so that a change between groups is no trend.

    None below three points, or when no group spans seven days: a slope over hours would blow any
    difference up to hundreds of points.
    """
    if sum(map(len, groups)) < MARKS_FOR_TREND or _longest_span(groups) < SHORTEST_SPAN:
        return None
    together = squared = 0.0
    for group in groups:
        start = min(at for at, _ in group)
        times = [(at - start) / _DAY for at, _ in group]
        values = [value for _, value in group]
        middle, level = sum(times) / len(times), sum(values) / len(values)
        squared += sum((t - middle) ** 2 for t in times)
        together += sum((t - middle) * (v - level) for t, v in zip(times, values, strict=True))
    return _DAYS * together / squared


def _longest_span(groups: Sequence[Points]) -> timedelta:
    spans = [max(at for at, _ in group) - min(at for at, _ in group) for group in groups if group]
    return max(spans, default=timedelta(0))
