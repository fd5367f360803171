"""Places in a course four weeks after earlier ones; PostgreSQL alone."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Interval, literal, select
from sqlalchemy.orm import Session

from shared_db.columns import Key, UtcDateTime
from shared_db.queries.arrays import array_rows, array_values
from staffstuddash_service.domain.follow_ups.matching import FOLLOWED_AFTER, LATEST_AFTER
from staffstuddash_service.models.published import published_places

_ALWAYS = literal(value=True)


def is_followed(course: Any, as_of: Any) -> ColumnElement[bool]:
    """Return the condition that somebody of the course was judged four weeks after an instant.

    Without it, a course that ended or paused would look as if everybody had left.
    """
    later = published_places.alias("followed")
    return looked_up(later, later.c.course == course, _is_later(later.c.as_of, as_of))


def looked_up(view: FromClause, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition that a row exists, for few outer rows.

    Without OFFSET 0 the planner would join all rows of the view, instead of a look into an index.
    """
    query = select(view.c.student_id).where(*conditions)
    return query.offset(0).correlate_except(view).exists()


def later_places(session: Session, places: Iterable[Any]) -> dict[tuple[str, str, datetime], int]:
    """Return the places of the students four weeks later, by student, course and instant.

    places: rows with `student_id`, `course` and `as_of`. Students without a later place are absent.
    """
    wanted = sorted({(one.student_id, one.course, one.as_of) for one in places})
    if not wanted:
        return {}
    asked = array_rows(student_id=Key, course=Key, as_of=UtcDateTime)
    place = published_places.c
    later = (
        select(place.course_rank)
        .where(
            place.student_id == asked.c.student_id,
            place.course == asked.c.course,
            _is_later(place.as_of, asked.c.as_of),
        )
        .order_by(place.as_of)
        .limit(1)
        .lateral("later")
    )
    columns = (asked.c.student_id, asked.c.course, asked.c.as_of, later.c.course_rank)
    query = select(*columns).join_from(asked, later, _ALWAYS)
    rows = session.execute(query, array_values(wanted, "student_id", "course", "as_of"))
    return {(student, course, as_of): rank for student, course, as_of, rank in rows}


def _is_later(instant: ColumnElement[Any], as_of: Any) -> ColumnElement[bool]:
    first, last = (literal(after, Interval) for after in (FOLLOWED_AFTER, LATEST_AFTER))
    return instant.between(as_of + first, as_of + last)
