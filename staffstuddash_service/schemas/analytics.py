"""Bodies of the comparison of interventions."""

from datetime import date, datetime

from shared_web.requests.fields import Out
from staffstuddash_service.domain.follow_ups.comparison import NOTE


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


class ActionComparisonOut(Out):
    """Students with an intervention beside comparable ones; unmatched: without such a one."""

    course: str
    since: datetime
    contacted: FollowedOut
    others: FollowedOut
    unmatched: int
    too_few: bool
    note: str = NOTE


class ActionWeekOut(Out):
    """Week from a Monday: interventions done in it, and steps due in it that are not done."""

    begins_on: date
    done: int
    planned: int


class ActionWeeksOut(Out):
    """Weeks, the earliest first; the last one is the present one."""

    items: list[ActionWeekOut]
