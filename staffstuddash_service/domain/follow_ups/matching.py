"""Pairs of a student with an intervention and the nearest comparable one without."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

FOLLOWED_AFTER = timedelta(days=28)
# Not every course is judged in each week: a place up to a week later is that of four weeks later.
LATEST_AFTER = timedelta(days=35)
# A place further away than this share of the course is not comparable, within these bounds.
_CALIPER_SHARE, _LEAST_CALIPER, _MOST_CALIPER = 0.1, 3, 10


class PlaceAt(NamedTuple):
    """Place of a student in a course at an instant; 1 is the first to talk with."""

    student_id: str
    course: str
    as_of: datetime
    rank: int
    ranked: int
    first_reason: str | None


Pair = tuple[PlaceAt, PlaceAt]
# Instants of the interventions by student.
Contacts = Mapping[str, Sequence[datetime]]


def caliper(ranked: int) -> int:
    """Return the most places between two comparable students of a course of that size."""
    return min(_MOST_CALIPER, max(_LEAST_CALIPER, int(_CALIPER_SHARE * ranked)))


def match(
    cases: Iterable[PlaceAt], candidates: Iterable[PlaceAt], contacts: Contacts
) -> tuple[list[Pair], int]:
    """Return pairs of a case and a comparable student, and the number of cases without one.

    cases: the last places before the interventions. A comparable student was judged in the same
    course at the same instant, with the same first reason, at the nearest place within the
    caliper, and has no intervention within four weeks of that instant. Each is used once a week.
    """
    runs: dict[tuple[str, datetime], list[PlaceAt]] = defaultdict(list)
    # By place, so that the near ones are found without a look at a whole course.
    for one in sorted(candidates, key=_rank):
        runs[one.course, one.as_of].append(one)
    pairs, unmatched = list[Pair](), 0
    used = set[tuple[str, tuple[int, int], str]]()
    for case in sorted(cases, key=lambda one: (one.as_of, one.course, one.rank, one.student_id)):
        year, week, _ = case.as_of.isocalendar()
        free = (
            one
            for one in _near(runs[case.course, case.as_of], case)
            if is_comparable(case, one)
            and not _is_contacted(one, contacts)
            and (one.course, (year, week), one.student_id) not in used
        )
        other = min(
            free,
            key=lambda one: (abs(one.rank - case.rank), one.rank, one.student_id),
            default=None,
        )
        if other is None:
            unmatched += 1
            continue
        used.add((other.course, (year, week), other.student_id))
        pairs.append((case, other))
    return pairs, unmatched


def _rank(one: PlaceAt) -> int:
    return one.rank


def _near(run: Sequence[PlaceAt], case: PlaceAt) -> Sequence[PlaceAt]:
    most = caliper(case.ranked)
    begin = bisect_left(run, case.rank - most, key=_rank)
    return run[begin : bisect_right(run, case.rank + most, key=_rank)]


def is_comparable(case: PlaceAt, other: PlaceAt) -> bool:
    """Return True if another student of the same run has the same reason and a near place."""
    is_near = abs(other.rank - case.rank) <= caliper(case.ranked)
    is_same = other.student_id == case.student_id
    return is_near and not is_same and other.first_reason == case.first_reason


def _is_contacted(one: PlaceAt, contacts: Contacts) -> bool:
    begin, end = one.as_of - FOLLOWED_AFTER, one.as_of + LATEST_AFTER
    return any(begin <= at < end for at in contacts.get(one.student_id, ()))
