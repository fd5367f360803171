"""Outcomes of interventions, beside those of comparable students without one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from staffstuddash_service.domain.follow_ups.intervals import (
    Difference,
    mean_interval,
    paired_means,
    paired_shares,
    wilson,
)
from staffstuddash_service.domain.follow_ups.matching import Pair, PlaceAt

MIN_GROUP = 20
NOTE = (
    "Places in the course four weeks later, of students with an intervention and of the most "
    "similar ones without. Staff chose whom to contact, so a difference is no proof of a cause."
)


@dataclass(frozen=True)
class Followed:
    """Outcomes of one group; figures are None below 20 students.

    still_active: students with a place four weeks later. place_change: mean of the later place less
    the earlier one, of those with both. low, high: ends of the 95 % interval.
    """

    n: int
    still_active: int | None = None
    share: float | None = None
    share_low: float | None = None
    share_high: float | None = None
    place_change: float | None = None
    place_change_low: float | None = None
    place_change_high: float | None = None


@dataclass(frozen=True)
class Comparison:
    """Both groups, and contacted less others in pairs; differences are None below 20 pairs.

    place_difference: of the pairs in which both have a later place. unmatched: students with an
    intervention, but nobody comparable.
    """

    contacted: Followed
    others: Followed
    unmatched: int
    too_few: bool
    share_difference: Difference | None = None
    place_difference: Difference | None = None


# Later places by student, course and the instant of the earlier place.
Later = Mapping[tuple[str, str, datetime], int]
# Change of the place, None without a later one.
Outcome = int | None


def compare(pairs: Sequence[Pair], later: Later, unmatched: int = 0) -> Comparison:
    """Return the outcomes of both groups, and their difference."""

    def outcome(one: PlaceAt) -> Outcome:
        rank = later.get((one.student_id, one.course, one.as_of))
        return None if rank is None else rank - one.rank

    outcomes = [(outcome(case), outcome(other)) for case, other in pairs]
    if len(outcomes) < MIN_GROUP:
        n = len(outcomes)
        return Comparison(Followed(n), Followed(n), unmatched, too_few=True)
    both = [a - b for a, b in outcomes if a is not None and b is not None]
    return Comparison(
        followed([a for a, _ in outcomes]),
        followed([b for _, b in outcomes]),
        unmatched,
        too_few=False,
        share_difference=paired_shares([(a is not None, b is not None) for a, b in outcomes]),
        place_difference=paired_means(both) if len(both) >= MIN_GROUP else None,
    )


def followed(outcomes: Sequence[Outcome]) -> Followed:
    """Return the figures of a group of 1 or more; of places from 20 students with both on."""
    changes = [change for change in outcomes if change is not None]
    n, active = len(outcomes), len(changes)
    low, high = wilson(active, n)
    if len(changes) < MIN_GROUP:
        return Followed(n, active, active / n, low, high)
    return Followed(n, active, active / n, low, high, *mean_interval(changes))
