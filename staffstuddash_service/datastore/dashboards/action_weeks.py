"""Interventions done and steps still planned, by week."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.queries.small_groups import require_group
from shared_db.repository import Repository
from staffstuddash_service.datastore.dashboards.last_actions import was_done_within
from staffstuddash_service.domain.follow_ups.states import ActionState
from staffstuddash_service.models import ActionLog, Student

_WEEK = timedelta(days=7)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class ActionWeek:
    """Week from a Monday. done: interventions; planned: steps due in it that are not done."""

    begins_on: date
    done: int
    planned: int


class ActionWeekRepository(Repository):
    """Numbers of actions about the students in sight."""

    def search(
        self, *, weeks: int, zone: ZoneInfo, now: datetime | None = None
    ) -> list[ActionWeek]:
        """Return the last weeks, the earliest first and the present one last.

        zone: in which the weeks begin.

        Raises:
            GroupTooSmall: a person with limited sight sees fewer than 5 students.

        """
        today = (now or utc_now()).astimezone(zone).date()
        monday = today - timedelta(days=today.weekday())
        mondays = [monday - back * _WEEK for back in reversed(range(weeks))]

        def counts(session: Session) -> list[ActionWeek]:
            require_group(session, Student.id)
            done, planned = _done(session, mondays, zone), _planned(session, mondays)
            return [ActionWeek(*week) for week in zip(mondays, done, planned, strict=True)]

        return self.read_snapshot(counts)


def _done(session: Session, mondays: Sequence[date], zone: ZoneInfo) -> Sequence[int]:
    spans = [
        (_midnight(monday, zone), _midnight(monday + _WEEK, zone) - _INSTANT) for monday in mondays
    ]
    counts = [func.count().filter(was_done_within(*span)) for span in spans]
    # The whole time as well, so that an index finds its rows.
    query = select(*counts).where(was_done_within(spans[0][0], spans[-1][1]))
    return session.execute(query).one()


def _planned(session: Session, mondays: Sequence[date]) -> Sequence[int]:
    due_on = ActionLog.due_on
    counts = [func.count().filter(due_on >= one, due_on < one + _WEEK) for one in mondays]
    query = select(*counts).where(
        ActionLog.state == ActionState.PLANNED,
        due_on >= mondays[0],
        due_on < mondays[-1] + _WEEK,
    )
    return session.execute(query).one()


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)
