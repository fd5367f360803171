"""Grit: the share of setbacks that the student followed by another try."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from staffstuddash_service.domain.performance import Mark, in_order

SETBACK_POINTS = 10.0
MIN_EARLIER_MARKS = 2
RETRY_WINDOW = timedelta(days=14)


@dataclass(frozen=True)
class Grit:
    """Share of setbacks that were followed by another try; None without a decided setback.

    settles_at: the instant at which the next open setback is decided, or None.
    """

    level: float | None
    setback_count: int
    settles_at: datetime | None


def grit_of(marks: Iterable[Mark], as_of: datetime) -> Grit:
    """Return the share, 0 to 1, of setbacks followed by another mark in that subject in 14 days.

    A setback is a mark at least 10 points below the mean of the student's earlier marks, with at
    least two earlier marks. So later marks never create or remove a setback. Marks after `as_of`
    do not count. A setback without another try is open and not counted until its 14 days are over.
    """
    known = [mark for mark in in_order(marks) if mark.submitted_at <= as_of]
    tries: dict[str, list[datetime]] = {}
    for mark in known:
        tries.setdefault(mark.subject, []).append(mark.submitted_at)
    followed = decided = 0
    open_until: list[datetime] = []
    for mark in _setbacks(known):
        deadline = mark.submitted_at + RETRY_WINDOW
        is_followed = _is_between(tries[mark.subject], mark.submitted_at, deadline)
        if not is_followed and deadline > as_of:
            open_until.append(deadline)
            continue
        decided += 1
        followed += is_followed
    return Grit(followed / decided if decided else None, decided, min(open_until, default=None))


def _setbacks(marks: list[Mark]) -> list[Mark]:
    instants = [mark.submitted_at for mark in marks]
    sums = [0.0]
    for mark in marks:
        sums.append(sums[-1] + mark.percentage)
    found = []
    for mark in marks:
        earlier = bisect_left(instants, mark.submitted_at)
        if (
            earlier >= MIN_EARLIER_MARKS
            and mark.percentage <= sums[earlier] / earlier - SETBACK_POINTS
        ):
            found.append(mark)
    return found


def _is_between(instants: list[datetime], after: datetime, until: datetime) -> bool:
    return bisect_right(instants, until) > bisect_right(instants, after)
