"""Figures of what followed talks, and of drawn lists, for sentences and a chart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from veritas_web.domain.charts import Box, Span, spans

MIN_GROUP = 20
_HUNDRED = 100
_BOX = Box(width=270, height=60, left=140, top=10)


@dataclass(frozen=True)
class Spread:
    """Value with the ends of its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """True if the interval does not contain 0."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Group:
    """Students of one group. share: of 100 still in the course; moved: mean change of place."""

    n: int
    active: int
    share: Spread
    moved: Spread | None


@dataclass(frozen=True)
class Talks:
    """Students who were talked to beside similar ones; groups and differences unless too few.

    of_100, places: contacted less others, in 100 students and in places.
    """

    pairs: int
    unmatched: int
    contacted: Group | None = None
    others: Group | None = None
    of_100: Spread | None = None
    places: Spread | None = None

    @property
    def spans(self) -> Sequence[Span]:
        """Dots and intervals of the two groups, from 0 to 100."""
        groups = [one.share for one in (self.contacted, self.others) if one is not None]
        return spans([(one.value, one.low, one.high) for one in groups], 0, _HUNDRED, _BOX)


@dataclass(frozen=True)
class Lots:
    """Students drawn into a list beside those drawn out of it; figures unless too few.

    draws: courses and weeks. Shares are of 100 students; differences are inside less outside.
    """

    top: int
    draws: int
    inside: int
    outside: int
    contacted: tuple[float, float] | None = None
    active: tuple[float, float] | None = None
    contacted_of_100: Spread | None = None
    active_of_100: Spread | None = None
    places: Spread | None = None


def talks_of(answer: Mapping[str, Any]) -> Talks:
    """Return the figures of the comparison of actions."""
    pairs, unmatched = answer["contacted"]["n"], answer["unmatched"]
    if answer["too_few"]:
        return Talks(pairs, unmatched)
    return Talks(
        pairs,
        unmatched,
        _group(answer["contacted"]),
        _group(answer["others"]),
        _spread(answer["share_difference"], _HUNDRED),
        _spread(answer["place_difference"]),
    )


def lots_of(answer: Mapping[str, Any]) -> Lots:
    """Return the figures of the contrast of orders."""
    inside, outside = answer["inside"], answer["outside"]
    counts = (answer["top"], answer["draws"], inside["n"], outside["n"])
    if answer["too_few"]:
        return Lots(*counts)
    return Lots(
        *counts,
        contacted=(_HUNDRED * inside["contacted"], _HUNDRED * outside["contacted"]),
        active=(_HUNDRED * inside["still_active"], _HUNDRED * outside["still_active"]),
        contacted_of_100=_spread(answer["contacted"], _HUNDRED),
        active_of_100=_spread(answer["still_active"], _HUNDRED),
        places=_spread(answer["place_change"]),
    )


def _group(group: Mapping[str, Any]) -> Group:
    ends = (_HUNDRED * group[name] for name in ("share", "share_low", "share_high"))
    moved = None
    if group["place_change"] is not None:
        moved = Spread(group["place_change"], group["place_change_low"], group["place_change_high"])
    return Group(group["n"], group["still_active"], Spread(*ends), moved)


def _spread(difference: Mapping[str, Any] | None, factor: float = 1) -> Spread | None:
    if difference is None:
        return None
    return Spread(*(factor * difference[name] for name in ("value", "low", "high")))
