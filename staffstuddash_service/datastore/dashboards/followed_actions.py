"""Outcomes of interventions in a course, beside those of comparable students."""

from collections import defaultdict
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.errors import NeedsPostgresql
from shared_db.queries.small_groups import require_group
from shared_db.repository import Repository
from staffstuddash_service.datastore.dashboards.last_actions import was_done_within
from staffstuddash_service.domain.follow_ups.comparison import (
    FOLLOWED_AFTER,
    Comparison,
    WeekPlace,
    compare,
)
from staffstuddash_service.models import ActionLog, Student
from staffstuddash_service.models.published import published_weekly_places

# A place of the week before the first one is never needed; contacts before it are.
_WEEK = timedelta(days=7)


class FollowedActionRepository(Repository):
    """Outcomes of interventions."""

    def compare(self, course: str, since: datetime) -> Comparison:
        """Return the outcomes of the interventions in a course since an instant.

        Raises:
            NeedsPostgresql: the in-memory store has no places.
            GroupTooSmall: a person with limited sight sees fewer than 5 students.

        """
        if self.use_fallback:
            raise NeedsPostgresql("The in-memory store has no places of students in a course.")
        first = since.date()

        def comparison(session: Session) -> Comparison:
            require_group(session, Student.id)
            places = _places(session, course, first)
            return compare(places, _contacts(session, since), first)

        return self.read_snapshot(comparison)


def _places(session: Session, course: str, first: date) -> list[WeekPlace]:
    place = published_weekly_places.c
    query = select(
        place.student_id, place.week, place.course_rank, place.course_ranked, place.first_reason
    ).where(place.course == course, place.week > first - _WEEK)
    return [WeekPlace(*row) for row in session.execute(query)]


def _contacts(session: Session, since: datetime) -> dict[str, list[date]]:
    done_at = func.coalesce(ActionLog.done_at, ActionLog.timestamp, type_=ActionLog.timestamp.type)
    since = since - FOLLOWED_AFTER - _WEEK
    query = select(ActionLog.student_id, done_at).where(was_done_within(since, utc_now()))
    found: dict[str, list[date]] = defaultdict(list)
    for student_id, at in session.execute(query):
        found[student_id].append(at.date())
    return found
