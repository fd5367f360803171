"""Effect of being drawn into a list, from dropout's log of drawn orders; PostgreSQL alone."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Date, String, cast, func, select, tuple_
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.columns import Key
from shared_db.errors import NeedsPostgresql
from shared_db.queries.arrays import array_rows, array_values
from shared_db.queries.dialects import in_list
from shared_db.queries.small_groups import require_group
from shared_db.repository import Repository
from staffstuddash_service.datastore.dashboards.last_actions import DONE_AT, was_done_within
from staffstuddash_service.datastore.dashboards.later_places import is_followed, later_places
from staffstuddash_service.domain.follow_ups.lottery import Contrast, Drawn, contrast
from staffstuddash_service.domain.follow_ups.matching import LATEST_AFTER
from staffstuddash_service.models import ActionLog, Student
from staffstuddash_service.models.published import published_draws

# Draws that are analysed at most; of more a fixed sample, which does not depend on outcomes.
MAX_DRAWS = 1000
# Bands have at most 20 places, so one that a list cuts begins at most this much before its end.
_LONGEST = 20
# Interventions of the week after the draw are the first stage.
_CONTACTED_WITHIN = timedelta(days=7)


class DrawnOrderRepository(Repository):
    """Effects of drawn orders."""

    def contrast(self, top: int, since: datetime, course: str | None = None) -> Contrast:
        """Return the effect of being drawn into the first `top` of a list, since an instant.

        course: None: all courses.

        Raises:
            NeedsPostgresql: the in-memory store has no drawn orders.
            GroupTooSmall: a person with limited sight sees fewer than 5 students.

        """
        if self.use_fallback:
            raise NeedsPostgresql("The in-memory store has no drawn orders.")

        def find(session: Session) -> Contrast:
            require_group(session, Student.id)
            rows = _drawn(session, top, since, course)
            later = later_places(session, rows)
            contacts = _contacts(session, rows)
            return contrast(_of_row(row, top, later, contacts) for row in rows)

        return self.read_snapshot(find)


def _drawn(session: Session, top: int, since: datetime, course: str | None) -> Sequence[Any]:
    """Return the students of the bands that the end of the list cut, with four weeks after it."""
    draw = published_draws.c
    is_cut: list[ColumnElement[bool]] = [
        draw.band_first.between(top - _LONGEST + 2, top),
        draw.band_last > top,
        draw.as_of >= since,
        draw.as_of <= utc_now() - LATEST_AFTER,
        draw.week >= (since - timedelta(days=7)).date(),
    ]
    if course is not None:
        is_cut.append(draw.course == course)
    place = (draw.course, draw.week)
    draws = select(*place).where(*is_cut).distinct().subquery("draws")
    sampled = func.md5(draws.c.course + cast(draws.c.week, String))
    chosen = session.execute(select(*draws.c).order_by(sampled).limit(MAX_DRAWS)).all()
    if not chosen:
        return []
    asked = array_rows(course=Key, week=Date)
    query = (
        select(draw.student_id, draw.course, draw.week, draw.as_of, draw.place, draw.position)
        .join(asked, tuple_(*place) == tuple_(asked.c.course, asked.c.week))
        .where(*is_cut, is_followed(draw.course, draw.as_of))
    )
    return session.execute(query, array_values(chosen, "course", "week")).all()


def _contacts(session: Session, rows: Sequence[Any]) -> Mapping[str, list[datetime]]:
    found: dict[str, list[datetime]] = defaultdict(list)
    if not rows:
        return found
    is_theirs = in_list(ActionLog.student_id, "ids", "postgresql")
    first, last = (pick(row.as_of for row in rows) for pick in (min, max))
    query = select(ActionLog.student_id, DONE_AT).where(
        is_theirs, was_done_within(first, last + _CONTACTED_WITHIN)
    )
    ids = sorted({row.student_id for row in rows})
    for student_id, at in session.execute(query, {"ids": ids}):
        found[student_id].append(at)
    return found


def _of_row(
    row: Any,
    top: int,
    later: Mapping[tuple[str, str, datetime], int],
    contacts: Mapping[str, list[datetime]],
) -> Drawn:
    rank = later.get((row.student_id, row.course, row.as_of))
    end = row.as_of + _CONTACTED_WITHIN
    return Drawn(
        stratum=(row.course, row.week),
        is_inside=row.position <= top,
        is_contacted=any(row.as_of <= at < end for at in contacts.get(row.student_id, ())),
        is_active=rank is not None,
        place_change=None if rank is None else float(rank - row.place),
    )
