"""Quality of the model in use: calibration, first places, gaps between groups, and weeks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from veritas_web.domain.charts import Box, Point, lines, points, top_of
from veritas_web.domain.marked import N_

Data = Mapping[str, Any]

_SQUARE = Box(width=200, height=200, left=40, top=10)
_WEEKS = Box(width=380, height=110, left=30, top=10)
# Axes end at a share of tens, so that they have a round name.
_TENTHS = 10

ATTRIBUTES: Mapping[str, str] = {
    "gender": N_("Gender"),
    "disability": N_("Disability"),
    "deprivation": N_("Deprivation of the home district"),
}
GROUPS: Mapping[str, str] = {
    "four most deprived tenths": N_("four most deprived tenths"),
    "four least deprived tenths": N_("four least deprived tenths"),
}
OUTCOMES: Mapping[str, str] = {
    "withdrawn": N_("left the course before its end"),
    "withdrawn_or_fail": N_("left the course before its end, or did not pass it"),
}
LEVELS: Mapping[str, str] = {
    "ok": N_("as expected"),
    "watch": N_("differs a little"),
    "warning": N_("differs much: train again"),
}


@dataclass(frozen=True)
class Calibration:
    """Dots of the tenths of students against the diagonal; top: share at both ends of the axes.

    bins: risk, share and rows of each tenth.
    """

    top: float
    dots: Sequence[Point]
    diagonal: str
    bins: Sequence[Data]


@dataclass(frozen=True)
class Group:
    """Group of an attribute: leavers, and the share of them outside the first tenth; width: bar."""

    name: str
    leavers: int
    missed: float
    width: float


@dataclass(frozen=True)
class Groups:
    """Groups of an attribute, the one with the highest share first."""

    attribute: str
    groups: Sequence[Group]
    gap: float


@dataclass(frozen=True)
class WeekChart:
    """Weeks of a model, the first one left: expected leavers as a line, known ones as dots."""

    top: float
    expected: Sequence[str]
    left: Sequence[Point]


class Direction:
    """Direction of a difference to another model, as a word."""

    BETTER = N_("better")
    WORSE = N_("worse")
    UNCLEAR = N_("no clear difference")


def day_of(days: Sequence[Data], wanted: int | None) -> Data | None:
    """Return the evaluation of the wanted day, otherwise of the one in the middle."""
    if not days:
        return None
    return next((day for day in days if day["day"] == wanted), days[len(days) // 2])


def calibration_of(bins: Sequence[Data]) -> Calibration:
    """Return the dots of the bins, which rise by risk."""
    highest = max([0.0, *(max(one["risk"], one["share"]) for one in bins)])
    top = min(1.0, (int(highest * _TENTHS) + 1) / _TENTHS)
    dots = [
        Point(
            round(_SQUARE.left + _SQUARE.width * min(1.0, one["risk"] / top), 1),
            round(_SQUARE.top + _SQUARE.height * (1 - min(1.0, one["share"] / top)), 1),
            one["share"],
        )
        for one in bins
    ]
    right, bottom = _SQUARE.left + _SQUARE.width, _SQUARE.top + _SQUARE.height
    diagonal = f"{_SQUARE.left},{bottom} {right},{_SQUARE.top}"
    return Calibration(top, dots, diagonal, bins)


def groups_of(gaps: Iterable[Data]) -> list[Groups]:
    """Return the groups of each attribute with their bars; 100 wide is all leavers."""
    return [
        Groups(
            gap["attribute"],
            sorted(
                (
                    Group(name, gap["leavers"][name], missed, round(100 * missed, 1))
                    for name, missed in gap["missed"].items()
                ),
                key=lambda group: (-group.missed, group.name),
            ),
            gap["gap"],
        )
        for gap in gaps
        if gap["missed"]
    ]


def week_chart(weeks: Sequence[Data]) -> WeekChart | None:
    """Return the chart of weeks, the latest first; None without two of them."""
    if len(weeks) < 2:  # noqa: PLR2004 - a line needs two
        return None
    rising = list(reversed(weeks))
    expected = [week["expected_left"] for week in rising]
    left = [float(week["left"]) for week in rising]
    top = top_of(expected, left)
    return WeekChart(top, lines(expected, top, _WEEKS), points(left, top, _WEEKS))


def direction(interval: Data, *, is_more_better: bool) -> str | None:
    """Return the direction of a difference by its interval; None: it has none."""
    low, high = interval["low"], interval["high"]
    if low is None or high is None:
        return None
    if low <= 0 <= high:
        return Direction.UNCLEAR
    return Direction.BETTER if (low > 0) is is_more_better else Direction.WORSE


def verdict_rows(counts: Mapping[str, Mapping[str, int]]) -> list[tuple[str, Mapping[str, int]]]:
    """Return the counts of verdicts by name, those with most verdicts first."""
    given = [(name, verdicts) for name, verdicts in counts.items() if sum(verdicts.values())]
    return sorted(given, key=lambda one: (-sum(one[1].values()), one[0]))
