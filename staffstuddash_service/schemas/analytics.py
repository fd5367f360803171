"""Bodies of the comparison of interventions."""

from datetime import date, datetime

from shared_web.requests.fields import Out
from staffstuddash_service.domain.follow_ups.comparison import NOTE
from staffstuddash_service.domain.follow_ups.lottery import NOTE as NOTE_ON_DRAWS


class FollowedOut(Out):
    """Outcomes of one group; figures are null below 20 students.

    still_active: students with a place in the course four weeks later. place_change: mean of the
    later place less the earlier one; above 0 is further from the top. low, high: 95 % interval.
    """

    n: int
    still_active: int | None
    share: float | None
    share_low: float | None
    share_high: float | None
    place_change: float | None
    place_change_low: float | None
    place_change_high: float | None


class DifferenceOut(Out):
    """Difference of two groups with its 95 % interval; n: the pairs or draws that it is of."""

    value: float
    low: float
    high: float
    n: int


class ActionComparisonOut(Out):
    """Students with an intervention beside comparable ones; unmatched: without such a one.

    course: null for all courses. students: with an intervention since then, compared or not.
    share_difference, place_difference: contacted less others in pairs, null below 20 pairs.
    """

    course: str | None
    since: datetime
    students: int
    contacted: FollowedOut
    others: FollowedOut
    share_difference: DifferenceOut | None
    place_difference: DifferenceOut | None
    unmatched: int
    too_few: bool
    note: str = NOTE


class SideOut(Out):
    """Students drawn to one side of the end of a list; figures are null below 20.

    contacted, still_active: shares. place_change: mean, of those with a later place.
    """

    n: int
    contacted: float | None
    still_active: float | None
    place_change: float | None


class OrderContrastOut(Out):
    """Students drawn into the first `top` of a list beside those drawn out of it.

    Differences are inside less outside, null below 20 students a side. draws: courses and weeks.
    A student who was drawn in several weeks counts in each.
    """

    course: str | None
    top: int
    since: datetime
    inside: SideOut
    outside: SideOut
    contacted: DifferenceOut | None
    still_active: DifferenceOut | None
    place_change: DifferenceOut | None
    draws: int
    too_few: bool
    note: str = NOTE_ON_DRAWS


class ActionWeekOut(Out):
    """Week from a Monday: interventions done in it, and steps due in it that are not done."""

    begins_on: date
    done: int
    planned: int


class ActionWeeksOut(Out):
    """Weeks, the earliest first; the last one is the present one."""

    items: list[ActionWeekOut]
