"""Drawn orders of courses: repository that draws them once a week, and finds them for lists."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, Integer, String, case, cast, collate, exists, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from dropout_service.database.course_risks.query import risks_of_course
from dropout_service.database.students.locking import ensure_and_lock
from dropout_service.database.students.restrictions import is_assessed
from dropout_service.domain.drawn_order import DRAWN_PLACES, OFF, Draw, Lottery
from dropout_service.domain.weeks import monday_of
from dropout_service.models import DrawnPlace, DropoutPrediction
from shared_db.clock import utc_now
from shared_db.columns import Key
from shared_db.queries.arrays import array_rows, array_values
from shared_db.queries.pagination import Keyset
from shared_db.repository import Repository

_ROW = DropoutPrediction
_NO_PLACE = 2**31 - 1


class DrawRepository(Repository):
    """Drawn orders. lottery: of the installation, by default off; PostgreSQL alone has a log."""

    lottery: Lottery = OFF

    def draw(self, as_of: datetime, course: str | None = None) -> int:
        """Draw and log the orders of the courses predicted at an instant; return their number.

        A course that was drawn in that week keeps its draw. course: only this one.
        """
        if self.use_fallback or not self.lottery.is_on:
            return 0
        due = self.read(lambda session: _due(session, as_of, course))
        return sum(self._draw_course(id_, as_of, is_class=is_class) for id_, is_class in due)

    def present(self, course: str) -> Draw | None:
        """Return the draw of the week of the latest places of a course; None: not drawn.

        Raises:
            CourseNotFound: the course is not stored, is no class, and has no events.

        """
        if self.use_fallback or not self.lottery.is_on:
            return None

        def present(session: Session) -> Draw | None:
            found = risks_of_course(session, course, is_memory=False)
            if not found.is_own:
                return None
            newest = select(_ROW.as_of).where(found.condition).order_by(_ROW.as_of.desc()).limit(1)
            as_of = session.scalar(newest)
            if as_of is None:
                return None
            place = (course, monday_of(as_of))
            return draws_of(session, self.lottery, {place}).get(place)

        return self.read(present)

    def _draw_course(self, course: str, as_of: datetime, *, is_class: bool) -> bool:
        draw = self.lottery.draw(course, monday_of(as_of))

        def insert_draw(session: Session) -> bool:
            query = select(_ROW.student_id, _ROW.course_rank).where(
                _is_of_run(as_of),
                _ROW.course == course,
                _ROW.is_class.is_(is_class),
                _ROW.course_rank <= draw.bands.last_place,
                is_assessed(session, _ROW.student_id),
            )
            places: dict[str, int] = {
                id_: rank for id_, rank in session.execute(query) if rank is not None
            }
            absent = ensure_and_lock(session, places, utc_now()).absent
            positions = draw.positions(places)
            rows = [
                {
                    "course": course,
                    "week": monday_of(as_of),
                    "student_id": id_,
                    "place": place,
                    "position": positions[id_],
                    "band_first": draw.band(place)[0],
                    "band_last": draw.band(place)[1],
                    "as_of": as_of,
                }
                for id_, place in sorted(places.items())
                if id_ not in absent
            ]
            if rows and not session.scalar(select(_is_drawn(course, monday_of(as_of)))):
                session.execute(insert(DrawnPlace).on_conflict_do_nothing(), rows)
                return True
            return False

        return self.write(insert_draw)


def draws_of(
    session: Session, lottery: Lottery, weeks: Collection[tuple[str, date]]
) -> dict[tuple[str, date], Draw]:
    """Return the draws of courses in weeks; those that were not drawn, or not logged, are absent.

    The size of the bands is that of the draw, also if the setting was changed since.
    """
    if not lottery.is_on or not weeks or session.get_bind().dialect.name == "sqlite":
        return {}
    asked = array_rows(course=Key, week=Date)
    row = DrawnPlace
    one = (
        select((row.band_last - row.band_first + 1).label("size"))
        .where(row.course == asked.c.course, row.week == asked.c.week)
        .limit(1)
        .lateral("one")
    )
    query = select(asked.c.course, asked.c.week, one.c.size)
    query = query.join_from(asked, one, literal(value=True))
    found = session.execute(query, array_values(sorted(weeks), "course", "week"))
    return {(course, week): lottery.draw(course, week, size) for course, week, size in found}


def drawn_keyset(draw: Draw) -> Keyset:
    """Return the drawn order; its cursors are those of this draw alone."""
    place = func.coalesce(_ROW.course_rank, _NO_PLACE, type_=Integer)
    band = case((place <= draw.bands.last_place, (place - 1) // literal(draw.size)), else_=place)
    lot = func.encode(
        func.sha256(func.convert_to(literal(draw.key) + _ROW.student_id, "UTF8")),
        "hex",
        type_=String,
    )
    columns = (cast(band, Integer), collate(lot, "C"), _ROW.id)
    return Keyset(f"predictions-{draw.key[:16]}", columns)


def _due(session: Session, as_of: datetime, course: str | None) -> list[tuple[str, bool]]:
    """Return the courses with places of that instant that were not drawn in its week."""
    query = select(_ROW.course, _ROW.is_class).where(
        _is_of_run(as_of),
        _ROW.course_rank <= DRAWN_PLACES,
        ~_is_drawn(_ROW.course, monday_of(as_of)),
    )
    if course is not None:
        query = query.where(_ROW.course == course)
    rows = session.execute(query.distinct().order_by(_ROW.course, _ROW.is_class))
    return [(id_, is_class) for id_, is_class in rows if id_ is not None]


def _is_of_run(as_of: datetime) -> Any:
    return _ROW.is_latest & (_ROW.as_of == as_of)


def _is_drawn(course: Any, week: date) -> Any:
    return exists().where(DrawnPlace.course == course, DrawnPlace.week == week)
