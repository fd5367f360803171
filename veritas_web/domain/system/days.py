"""Bars of days: one for each day, with another shape for each state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Kinds of days by status: names of shapes in the style sheet.
KINDS: Mapping[str, str] = {"NORMAL": "well", "WARNING": "disturbed", "CRITICAL": "broken"}
UNKNOWN = "unknown"
HEIGHT = 32
STEP = 12
_WIDTH = 9
_HEIGHTS: Mapping[str, int] = {"well": 10, "disturbed": 21, "broken": HEIGHT}


@dataclass(frozen=True)
class DayBar:
    """Bar of a day; a day without data has no bar, but a ring around its middle."""

    day: str
    status: str | None
    kind: str
    x: int
    y: int
    width: int
    height: int
    warning_minutes: int | None
    critical_minutes: int | None
    missing_minutes: int

    @property
    def middle(self) -> float:
        """Middle of the day's place."""
        return self.x + self.width / 2


def day_bars(days: Sequence[Mapping[str, Any]]) -> list[DayBar]:
    """Return the bar of each day, the first day at the left."""
    found = []
    for place, one in enumerate(days):
        kind = KINDS.get(one["status"] or "", UNKNOWN)
        height = _HEIGHTS.get(kind, 0)
        found.append(
            DayBar(
                day=one["day"],
                status=one["status"],
                kind=kind,
                x=place * STEP + 1,
                y=HEIGHT - height,
                width=_WIDTH,
                height=height,
                warning_minutes=one["warning_minutes"],
                critical_minutes=one["critical_minutes"],
                missing_minutes=one["missing_minutes"],
            )
        )
    return found


def counted(bars: Sequence[DayBar]) -> dict[str, int]:
    """Return the number of days of each kind."""
    return {kind: sum(bar.kind == kind for bar in bars) for kind in (*_HEIGHTS, UNKNOWN)}
