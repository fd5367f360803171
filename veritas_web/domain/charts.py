"""Geometry of charts: numbers in, coordinates of SVG out.

Coordinates are in the units of the `viewBox`, with the origin at the top left. A value of None is
not known: lines have a gap there, and bars are left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

Values = Sequence[float | None]

_DIGITS = 1


@dataclass(frozen=True)
class Box:
    """Room of a chart without its margins."""

    width: float
    height: float
    left: float = 0
    top: float = 0


@dataclass(frozen=True)
class Bar:
    """Rectangle from the base line up; `value` is None for a place that is not known."""

    x: float
    y: float
    width: float
    height: float
    value: float | None


@dataclass(frozen=True)
class Point:
    """Place of one value."""

    x: float
    y: float
    value: float


@dataclass(frozen=True)
class Span:
    """Dot at a value on a horizontal interval."""

    value: float
    low: float
    high: float
    y: float


def top_of(*series: Values) -> float:
    """Return the highest value of the series, at least 1."""
    return max([1.0, *(value for values in series for value in values if value is not None)])


def x_of(place: int, count: int, box: Box) -> float:
    """Return the middle of a place among `count` places of equal width."""
    return round(box.left + (place + 0.5) * box.width / max(count, 1), _DIGITS)


def y_of(value: float, top: float, box: Box) -> float:
    """Return the height of a value; `top` is the value at the upper edge, 0 that at the lower."""
    share = min(1.0, max(0.0, value / top)) if top else 0.0
    return round(box.top + box.height * (1 - share), _DIGITS)


def points(values: Values, top: float, box: Box) -> list[Point]:
    """Return the places of the known values."""
    return [
        Point(x_of(place, len(values), box), y_of(value, top, box), value)
        for place, value in enumerate(values)
        if value is not None
    ]


def lines(values: Values, top: float, box: Box) -> list[str]:
    """Return `points` of polylines through neighbouring known values; a gap ends a line."""
    found: list[list[str]] = [[]]
    for place, value in enumerate(values):
        if value is None:
            found.append([])
            continue
        found[-1].append(f"{x_of(place, len(values), box)},{y_of(value, top, box)}")
    return [" ".join(line) for line in found if len(line) > 1]


def bars(values: Values, top: float, box: Box, gap: float = 0.2) -> list[Bar]:
    """Return a bar for each place; `gap` is the share of its width that stays free."""
    step = box.width / max(len(values), 1)
    width = round(step * (1 - gap), _DIGITS)
    found = []
    for place, value in enumerate(values):
        x = round(box.left + place * step + step * gap / 2, _DIGITS)
        y = y_of(value or 0, top, box)
        found.append(Bar(x, y, width, round(box.top + box.height - y, _DIGITS), value))
    return found


def band(low: Values, high: Values, top: float, box: Box) -> list[str]:
    """Return `points` of polygons between two series, one for each run of known pairs."""
    runs: list[list[int]] = [[]]
    for place, pair in enumerate(zip(low, high, strict=True)):
        if None in pair:
            runs.append([])
        else:
            runs[-1].append(place)
    count = len(low)

    def corner(series: Values, place: int) -> str:
        return f"{x_of(place, count, box)},{y_of(series[place] or 0, top, box)}"

    return [
        " ".join([corner(high, one) for one in run] + [corner(low, one) for one in reversed(run)])
        for run in runs
        if len(run) > 1
    ]


def spans(
    values: Sequence[tuple[float, float, float]], begin: float, end: float, box: Box
) -> list[Span]:
    """Return a dot and an interval for each value, low and high, one row below the other.

    begin, end: values at the left and the right edge; begin is less than end.
    """
    step = box.height / max(len(values), 1)

    def x(value: float) -> float:
        share = min(1.0, max(0.0, (value - begin) / (end - begin)))
        return round(box.left + share * box.width, _DIGITS)

    return [
        Span(x(value), x(low), x(high), round(box.top + (row + 0.5) * step, _DIGITS))
        for row, (value, low, high) in enumerate(values)
    ]
