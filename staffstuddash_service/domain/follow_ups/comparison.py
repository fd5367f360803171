"""Outcomes of interventions, beside those of comparable students without one."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import sqrt
from statistics import fmean, stdev

FOLLOWED_AFTER = timedelta(days=28)
MIN_GROUP = 20
NOTE = (
    "Places in the course four weeks later, of students with an intervention and of the most "
    "similar ones without. Staff chose whom to contact, so a difference is no proof of a cause."
)
_WEEK = timedelta(days=7)
# A place further away than this share of the course, and than three places, is not comparable.
_CALIPER_SHARE, _CALIPER_PLACES = 0.1, 3
_Z = 1.96


@dataclass(frozen=True)
class WeekPlace:
    """Place of a student in a course in a week, which is its Monday; 1 is the highest risk."""

    student_id: str
    week: date
    rank: int
    ranked: int
    first_reason: str | None


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
    """Both groups; unmatched: students with an intervention, but nobody comparable."""

    contacted: Followed
    others: Followed
    unmatched: int
    too_few: bool


# Change of the place, None without a later one.
_Outcome = int | None


def compare(
    places: Iterable[WeekPlace], contacts: Mapping[str, Sequence[date]], since: date
) -> Comparison:
    """Return the outcomes in a course.

    contacts: days of the interventions by student. A student counts once, in the week of the first
    one from `since` on. A comparable student has a near place in that week and no intervention
    within four weeks of it; with the same first reason, if there is such a student.
    """
    weeks: dict[date, dict[str, WeekPlace]] = defaultdict(dict)
    for place in places:
        weeks[place.week][place.student_id] = place
    if not weeks:
        return _comparison([], [], 0)
    last = max(weeks)
    contacted: list[_Outcome] = []
    others: list[_Outcome] = []
    unmatched = 0
    used: set[tuple[date, str]] = set()
    for week in sorted(weeks):
        if week + FOLLOWED_AFTER > last:
            break
        for student_id in sorted(_first_contacted(weeks[week], contacts, since, week)):
            place = weeks[week][student_id]
            other = _nearest(place, weeks[week].values(), contacts, used)
            if other is None:
                unmatched += 1
                continue
            used.add((week, other.student_id))
            contacted.append(_outcome(place, weeks))
            others.append(_outcome(other, weeks))
    return _comparison(contacted, others, unmatched)


def _first_contacted(
    places: Mapping[str, WeekPlace], contacts: Mapping[str, Sequence[date]], since: date, week: date
) -> list[str]:
    def first(student_id: str) -> date | None:
        return min((day for day in contacts.get(student_id, ()) if day >= since), default=None)

    return [id_ for id_ in places if (day := first(id_)) and week <= day < week + _WEEK]


def _nearest(
    place: WeekPlace,
    candidates: Iterable[WeekPlace],
    contacts: Mapping[str, Sequence[date]],
    used: set[tuple[date, str]],
) -> WeekPlace | None:
    most = max(_CALIPER_PLACES, _CALIPER_SHARE * place.ranked)

    def is_free(one: WeekPlace) -> bool:
        days = contacts.get(one.student_id, ())
        is_contacted = any(
            place.week - FOLLOWED_AFTER <= day < place.week + _WEEK + FOLLOWED_AFTER for day in days
        )
        is_other = one.student_id != place.student_id
        return is_other and not is_contacted and (one.week, one.student_id) not in used

    def distance(one: WeekPlace) -> tuple[bool, int, str]:
        has_same = place.first_reason is not None and one.first_reason == place.first_reason
        return not has_same, abs(one.rank - place.rank), one.student_id

    near = [one for one in candidates if abs(one.rank - place.rank) <= most and is_free(one)]
    return min(near, key=distance, default=None)


def _outcome(place: WeekPlace, weeks: Mapping[date, Mapping[str, WeekPlace]]) -> _Outcome:
    # The week after, too: not every course is judged in each week.
    for later in (place.week + FOLLOWED_AFTER, place.week + FOLLOWED_AFTER + _WEEK):
        found = weeks.get(later, {}).get(place.student_id)
        if found is not None:
            return found.rank - place.rank
    return None


def _comparison(
    contacted: Sequence[_Outcome], others: Sequence[_Outcome], unmatched: int
) -> Comparison:
    too_few = min(len(contacted), len(others)) < MIN_GROUP
    if too_few:
        return Comparison(Followed(len(contacted)), Followed(len(others)), unmatched, too_few)
    return Comparison(_followed(contacted), _followed(others), unmatched, too_few)


def _followed(outcomes: Sequence[_Outcome]) -> Followed:
    changes = [change for change in outcomes if change is not None]
    n, active = len(outcomes), len(changes)
    low, high = wilson(active, n)
    if len(changes) < MIN_GROUP:
        return Followed(n, active, active / n, low, high)
    mean = fmean(changes)
    half = _Z * stdev(changes) / sqrt(len(changes))
    return Followed(n, active, active / n, low, high, mean, mean - half, mean + half)


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share by Wilson; n: 1 or more."""
    share, square = successes / n, _Z * _Z
    centre = (share + square / (2 * n)) / (1 + square / n)
    half = _Z / (1 + square / n) * sqrt(share * (1 - share) / n + square / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)
