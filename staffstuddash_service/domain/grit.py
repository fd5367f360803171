"""Whether a student tries again after a setback."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from staffstuddash_service.domain.performance import Mark, in_order

SETBACK_POINTS = 10.0
MARKS_BEFORE = 2
TIME_TO_TRY = timedelta(days=14)


@dataclass(frozen=True)
class Grit:
    """The share of setbacks that were followed by another try; None without a setback to judge.

    settles_at: when the next setback that is still open can be judged, or None.
    """

    level: float | None
    setback_count: int
    settles_at: datetime | None


def grit_of(marks: Iterable[Mark], as_of: datetime) -> Grit:
    """Return the share, 0 to 1, of setbacks followed by another mark in that subject in 14 days.

    A setback is a mark at least 10 points below the mean of the student's earlier marks, of which
    there must be two; so later marks never make or undo one. Marks after `as_of` do not count. A
    setback without another try whose 14 days are not over is open and not counted.
    """
    known = [mark for mark in in_order(marks) if mark.submitted_at <= as_of]
    tries: dict[str, list[datetime]] = {}
    for mark in known:
        tries.setdefault(mark.subject, []).append(mark.submitted_at)
    followed = judged = 0
    open_until: list[datetime] = []
    for mark in _setbacks(known):
        deadline = mark.submitted_at + TIME_TO_TRY
        is_followed = _is_between(tries[mark.subject], mark.submitted_at, deadline)
        if not is_followed and deadline > as_of:
            open_until.append(deadline)
            continue
        judged += 1
        followed += is_followed
    return Grit(followed / judged if judged else None, judged, min(open_until, default=None))


def _setbacks(marks: list[Mark]) -> list[Mark]:
    moments = [mark.submitted_at for mark in marks]
    sums = [0.0]
    for mark in marks:
        sums.append(sums[-1] + mark.percentage)
    found = []
    for mark in marks:
        earlier = bisect_left(moments, mark.submitted_at)
        if earlier >= MARKS_BEFORE and mark.percentage <= sums[earlier] / earlier - SETBACK_POINTS:
            found.append(mark)
    return found


def _is_between(moments: list[datetime], after: datetime, until: datetime) -> bool:
    return bisect_right(moments, until) > bisect_right(moments, after)
