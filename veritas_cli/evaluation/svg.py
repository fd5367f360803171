"""Line plots as SVG, small enough to read in the page's source."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

# Without the legend, which is below.
_WIDTH, _HEIGHT = 340, 270
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 30, 30
_LEGEND_LINE = 13
_COLOURS = ("#1b4965", "#ca6702", "#6a994e", "#9b2226", "#7b5ea7")
_TICKS = 5


@dataclass(frozen=True)
class Line:
    """Points joined in their order; `dots` marks each."""

    name: str
    points: Sequence[tuple[float, float]]
    dots: bool = False


@dataclass(frozen=True)
class Axis:
    """What is shown from where to where."""

    name: str
    least: float
    most: float

    def share(self, value: float) -> float:
        """Return where a value lies between the ends, 0 to 1, held to them."""
        return min(1.0, max(0.0, (value - self.least) / (self.most - self.least)))


def plot(
    title: str, across: Axis, up: Axis, lines: Sequence[Line], *, diagonal: bool = False
) -> str:
    """Return an SVG element; diagonal: a line from corner to corner, for chance."""
    parts = [*_frame(title, across, up)]
    if diagonal:
        ends = f"{_x(0)},{_y(0)} {_x(1)},{_y(1)}"
        parts.append(f'<polyline points="{ends}" stroke="#bbb" stroke-dasharray="4" fill="none"/>')
    for number, line in enumerate(lines):
        parts.extend(_line(line, _COLOURS[number % len(_COLOURS)], across, up))
        parts.append(_legend(line.name, number))
    inside, height = "\n".join(parts), _HEIGHT + _LEGEND_LINE * len(lines) + 4
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" role="img" '
        f'xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" font-size="10">'
        f"\n<title>{escape(title)}</title>\n{inside}\n</svg>"
    )


def _x(share: float) -> float:
    return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)


def _y(share: float) -> float:
    return round(_HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM), 1)


def _frame(title: str, across: Axis, up: Axis) -> list[str]:
    size = f'width="{_x(1) - _x(0)}" height="{_y(0) - _y(1)}"'
    turned = f'text-anchor="middle" transform="rotate(-90 12 {_y(0.5)})"'
    parts = [
        f'<text x="{_LEFT}" y="16" font-size="12" font-weight="bold">{escape(title)}</text>',
        f'<rect x="{_x(0)}" y="{_y(1)}" {size} fill="none" stroke="#999"/>',
        f'<text x="{_x(0.5)}" y="{_y(0) + 26}" text-anchor="middle">{escape(across.name)}</text>',
        f'<text x="12" y="{_y(0.5)}" {turned}>{escape(up.name)}</text>',
    ]
    for tick in range(_TICKS + 1):
        share = tick / _TICKS
        parts.append(_number(across, share, _x(share), _y(0) + 13, "middle"))
        parts.append(_number(up, share, _LEFT - 5, _y(share) + 3, "end"))
    return parts


def _number(axis: Axis, share: float, x: float, y: float, anchor: str) -> str:
    value = axis.least + share * (axis.most - axis.least)
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="#555">{value:.3g}</text>'


def _line(line: Line, colour: str, across: Axis, up: Axis) -> list[str]:
    places = [(_x(across.share(x)), _y(up.share(y))) for x, y in line.points]
    points = " ".join(f"{x},{y}" for x, y in places)
    parts = [f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>']
    if line.dots:
        parts.extend(f'<circle cx="{x}" cy="{y}" r="2.5" fill="{colour}"/>' for x, y in places)
    return parts


def _legend(name: str, number: int) -> str:
    # One below the other: beside each other long names would run out of the picture.
    x, y = _LEFT, _HEIGHT + 10 + number * _LEGEND_LINE
    colour = _COLOURS[number % len(_COLOURS)]
    return (
        f'<rect x="{x}" y="{y - 8}" width="8" height="8" fill="{colour}"/>'
        f'<text x="{x + 12}" y="{y}">{escape(name)}</text>'
    )
