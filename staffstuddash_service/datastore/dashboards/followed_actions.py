"""Outcomes of interventions, beside those of comparable students; PostgreSQL alone.

Only the rows near the places of contacted students are read, so that a large course costs as much
as a small one.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Date, Double, Integer, Interval, Select, cast, func, literal, select
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.columns import Key, UtcDateTime
from shared_db.errors import NeedsPostgresql
from shared_db.queries.arrays import array_rows, array_values
from shared_db.queries.dialects import in_list, lateral_lookup
from shared_db.queries.small_groups import require_group
from shared_db.repository import Repository
from staffstuddash_service.datastore.dashboards.last_actions import DONE_AT, was_done_within
from staffstuddash_service.datastore.dashboards.later_places import (
    is_followed,
    later_places,
    looked_up,
)
from staffstuddash_service.domain.follow_ups.comparison import Comparison, compare
from staffstuddash_service.domain.follow_ups.matching import (
    FOLLOWED_AFTER,
    LATEST_AFTER,
    PlaceAt,
    caliper,
    match,
)
from staffstuddash_service.models import ActionLog, Student
from staffstuddash_service.models.published import published_places

# Students that are compared at most; of more a fixed sample, which does not depend on outcomes.
MAX_CONTACTED = 500
# An intervention follows a place of the week before it.
_BEFORE = timedelta(days=7)


@dataclass(frozen=True)
class ComparedActions:
    """Comparison, and the number of students with an intervention, compared or not."""

    students: int
    comparison: Comparison


class FollowedActionRepository(Repository):
    """Outcomes of interventions."""

    def compare(self, since: datetime, course: str | None = None) -> ComparedActions:
        """Return the outcomes of the interventions since an instant.

        course: None: of all courses; a student then counts in the course of the place nearest to
        the top.

        Raises:
            NeedsPostgresql: the in-memory store has no places.
            GroupTooSmall: a person with limited sight sees fewer than 5 students.

        """
        if self.use_fallback:
            raise NeedsPostgresql("The in-memory store has no places of students in a course.")

        def comparison(session: Session) -> ComparedActions:
            require_group(session, Student.id)
            students, cases = _cases(session, course, since, utc_now())
            near = _near(session, cases)
            contacts = _contacts(session, {one.student_id for one in near}, since)
            pairs, unmatched = match(cases, near, contacts)
            later = later_places(session, [one for pair in pairs for one in pair])
            return ComparedActions(students, compare(pairs, later, unmatched))

        return self.read_snapshot(comparison)


def _cases(
    session: Session, course: str | None, since: datetime, now: datetime
) -> tuple[int, list[PlaceAt]]:
    """Return the number of students contacted since then, and their last places before it.

    A place counts if the course was judged four weeks later, and others were judged with it.
    """
    first = _first_contacts(course, since, now).subquery("first")
    place = published_places.c
    other = published_places.alias("other")
    has_others = looked_up(
        other,
        other.c.course == place.course,
        other.c.as_of == place.as_of,
        other.c.student_id != place.student_id,
    )
    query = select(
        place.student_id,
        place.course,
        place.as_of,
        place.course_rank,
        place.course_ranked,
        place.first_reason,
    ).where(
        place.student_id == first.c.student_id,
        place.as_of <= first.c.at,
        place.as_of > first.c.at - literal(_BEFORE, Interval),
        place.as_of <= now - LATEST_AFTER,
        has_others,
        is_followed(place.course, place.as_of),
    )
    if course is not None:
        query = query.where(place.course == course)
    day = cast(func.timezone("UTC", place.as_of), Date)
    share = cast(place.course_rank, Double) / place.course_ranked
    last = query.order_by(day.desc(), share, place.as_of.desc()).limit(1).lateral("last")
    outer = (
        select(first.c.students, *last.c).select_from(first).outerjoin(last, literal(value=True))
    )
    rows = session.execute(outer).all()
    students = rows[0].students if rows else 0
    return students, [PlaceAt(*place) for _, *place in rows if place[0] is not None]


def _first_contacts(course: str | None, since: datetime, now: datetime) -> Select[*tuple[Any, ...]]:
    query = select(
        ActionLog.student_id,
        func.min(DONE_AT, type_=UtcDateTime).label("at"),
        func.count().over().label("students"),
    ).where(was_done_within(since, now))
    if course is not None:
        place = published_places.c
        of_course = select(place.student_id).where(place.course == course)
        query = query.where(ActionLog.student_id.in_(of_course))
    sampled = func.md5(ActionLog.student_id)
    return query.group_by(ActionLog.student_id).order_by(sampled).limit(MAX_CONTACTED)


def _near(session: Session, cases: Sequence[PlaceAt]) -> list[PlaceAt]:
    """Return the places around those of the cases, in the same runs."""
    if not cases:
        return []
    wanted = {
        (one.course, one.as_of, one.rank - caliper(one.ranked), one.rank + caliper(one.ranked))
        for one in cases
    }
    asked = array_rows(course=Key, as_of=UtcDateTime, low=Integer, high=Integer)
    place = published_places.c
    of_run = select(
        place.student_id,
        place.course,
        place.as_of,
        place.course_rank,
        place.course_ranked,
        place.first_reason,
    ).where(
        place.course == asked.c.course,
        place.as_of == asked.c.as_of,
        place.course_rank.between(asked.c.low, asked.c.high),
    )
    near = lateral_lookup(of_run, "near")
    query = select(*near.c).select_from(asked).join(near, literal(value=True))
    rows = session.execute(query, array_values(sorted(wanted), "course", "as_of", "low", "high"))
    return list({PlaceAt(*row) for row in rows})


def _contacts(
    session: Session, students: Collection[str], since: datetime
) -> dict[str, list[datetime]]:
    """Return the instants of interventions by student."""
    begin = since - FOLLOWED_AFTER - _BEFORE
    is_theirs = in_list(ActionLog.student_id, "ids", "postgresql")
    query = select(ActionLog.student_id, DONE_AT).where(
        is_theirs, was_done_within(begin, utc_now())
    )
    found: dict[str, list[datetime]] = defaultdict(list)
    for student_id, at in session.execute(query, {"ids": sorted(students)}):
        found[student_id].append(at)
    return found
