"""Effect of being drawn into a list: students at its end, of whom lots decided who was listed.

Intention to treat: everybody counts on the side that was drawn, whatever staff did.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean
from typing import TypeVar

from staffstuddash_service.domain.follow_ups.comparison import MIN_GROUP
from staffstuddash_service.domain.follow_ups.intervals import Difference, t_factor, wilson

T = TypeVar("T")
NOTE = (
    "Students of the band that the end of the list cut; lots decided who was listed. A difference "
    "is the effect of a place on the list in one week, not of a talk: not all on it were talked to."
)


@dataclass(frozen=True)
class Drawn:
    """Student of a cut band. stratum: the course and week of the draw.

    is_active: with a place four weeks later; place_change: None without one.
    """

    stratum: Hashable
    is_inside: bool
    is_contacted: bool
    is_active: bool
    place_change: float | None


@dataclass(frozen=True)
class Side:
    """Students drawn to one side of the end of the list; None: fewer than 20."""

    n: int
    contacted: float | None = None
    still_active: float | None = None
    place_change: float | None = None


@dataclass(frozen=True)
class Contrast:
    """Inside less outside; differences are None below 20 students a side.

    contacted: the first stage. place_change: of students with a later place alone. draws: number of
    courses and weeks whose band the list cut.
    """

    inside: Side
    outside: Side
    draws: int
    too_few: bool
    contacted: Difference | None = None
    still_active: Difference | None = None
    place_change: Difference | None = None


def contrast(drawn: Iterable[Drawn]) -> Contrast:
    """Return the effect of the draw; bands with students on one side alone tell nothing."""
    kept = _on_both_sides([(one.stratum, one.is_inside, one) for one in drawn])
    inside, outside = ([one for _, is_in, one in kept if is_in is side] for side in (True, False))
    draws = len({stratum for stratum, _, _ in kept})
    if min(len(inside), len(outside)) < MIN_GROUP:
        return Contrast(Side(len(inside)), Side(len(outside)), draws, too_few=True)
    changes = _on_both_sides(
        [(s, is_in, one.place_change) for s, is_in, one in kept if one.place_change is not None]
    )
    has_changes = min(sum(is_in for _, is_in, _ in changes), _outside(changes)) >= MIN_GROUP
    return Contrast(
        _side(inside),
        _side(outside),
        draws,
        too_few=False,
        contacted=_of_shares([(s, is_in, float(one.is_contacted)) for s, is_in, one in kept]),
        still_active=_of_shares([(s, is_in, float(one.is_active)) for s, is_in, one in kept]),
        place_change=stratified(changes) if has_changes else None,
    )


def stratified(rows: Sequence[tuple[Hashable, bool, float]]) -> Difference | None:
    """Return the difference inside less outside within strata, with its interval.

    rows: stratum, side and outcome; each stratum has both sides. In a stratum of N students m were
    drawn inside, each with the probability m / N. It weighs as m (N - m) / N, which is the inverse
    of the difference's variance but for the variance of the outcomes. That one is of the outcomes
    without the effect, over both sides, so that one student a side is enough. None: no variance
    can be computed.
    """
    strata: dict[Hashable, list[tuple[bool, float]]] = defaultdict(list)
    for stratum, is_inside, outcome in rows:
        strata[stratum].append((is_inside, outcome))
    freedom = len(rows) - len(strata) - 1
    if freedom < 1:
        return None
    weights, differences = list[float](), list[float]()
    for members in strata.values():
        drawn_in, drawn_out = ([y for side, y in members if side is kind] for kind in (True, False))
        weights.append(len(drawn_in) * len(drawn_out) / len(members))
        differences.append(fmean(drawn_in) - fmean(drawn_out))
    total = sum(weights)
    effect = sum(w * d for w, d in zip(weights, differences, strict=True)) / total
    variance = 0.0
    for weight, members in zip(weights, strata.values(), strict=True):
        without = [y - effect * side for side, y in members]
        mean = fmean(without)
        variance += weight * sum((y - mean) ** 2 for y in without) / (len(members) - 1)
    half = t_factor(freedom) * sqrt(variance) / total
    return Difference(effect, effect - half, effect + half, len(rows))


def _of_shares(rows: Sequence[tuple[Hashable, bool, float]]) -> Difference | None:
    """Return the difference of shares; without any variance, as wide as Wilson's interval."""
    found = stratified(rows)
    if found is None or found.low < found.high:
        return found
    smaller = min(len(rows) - _outside(rows), _outside(rows))
    width = 1 - wilson(smaller, smaller)[0]
    return Difference(found.value, found.value - width, found.value + width, found.n)


def _on_both_sides(rows: list[tuple[Hashable, bool, T]]) -> list[tuple[Hashable, bool, T]]:
    sides: dict[Hashable, set[bool]] = defaultdict(set)
    for stratum, is_inside, _ in rows:
        sides[stratum].add(is_inside)
    return [row for row in rows if len(sides[row[0]]) > 1]


def _outside(rows: Sequence[tuple[Hashable, bool, object]]) -> int:
    return sum(not is_inside for _, is_inside, _ in rows)


def _side(rows: Sequence[Drawn]) -> Side:
    changes = [one.place_change for one in rows if one.place_change is not None]
    return Side(
        len(rows),
        fmean(one.is_contacted for one in rows),
        fmean(one.is_active for one in rows),
        fmean(changes) if len(changes) >= MIN_GROUP else None,
    )
