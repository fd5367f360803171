"""Changes near the top of courses: repository."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from dropout_service.database.course_risks.draws import DrawRepository, draws_of
from dropout_service.database.course_risks.near_top import near_the_top, newest_of_ranked
from dropout_service.database.course_risks.placed import (
    ListedCourse,
    earlier_rows,
    indicators_of,
    own_predictions_of,
    present_rows,
)
from dropout_service.database.course_risks.query import risks_of_course
from dropout_service.database.courses.store import search_course_rows
from dropout_service.domain.changes import (
    CourseChanges,
    Draws,
    Placed,
    changes_of,
    with_places,
)
from dropout_service.domain.drawn_order import MOST_BAND, Lottery
from dropout_service.domain.enums import CourseSource
from dropout_service.domain.weeks import monday_of
from shared_db.connection.database import Database
from shared_db.queries.pagination import Page
from shared_db.repository import Repository
from shared_db.row_limits import row_limit

# Not 7: a weekly run may begin earlier in the day than that of the week before.
DEFAULT_BACK = timedelta(days=6)
Places = Mapping[str, Sequence[Placed]]
Indicators = Mapping[str, tuple[Sequence[Any], Sequence[Any]]]


class CourseChangeRepository(Repository):
    """Arrivals near the top of a course by risk, and departures."""

    def __init__(self, database: Database, draws: DrawRepository) -> None:
        super().__init__(database)
        self._draws = draws

    def get(self, course: str, *, since: datetime | None = None, top: int = 10) -> CourseChanges:
        """Return the changes among the first places of a course since an instant.

        since: by default seven days before the latest prediction. Places are those in the whole
        course; where none are stored, those among the students in sight.

        Raises:
            CourseNotFound: the course is not stored, is no class, and has no events.

        """

        def get(session: Session) -> CourseChanges:
            found = risks_of_course(session, course, is_memory=self.use_fallback)
            listed = ListedCourse(course, found.is_class, found.is_own)
            return _changes(session, [listed], since, top, self._draws.lottery)[0]

        return self.read_snapshot(get)

    def search(
        self,
        *,
        courses: Collection[str] | None = None,
        since: datetime | None = None,
        top: int = 10,
        with_reasons: bool = False,
        after: str | None = None,
        limit: int = 20,
    ) -> Page[CourseChanges]:
        """Return the changes of the courses with predictions in sight that are not over, by id.

        courses: only these; None: all. with_reasons: the signs are read with all of their fields.

        Raises:
            MalformedCursor: the cursor is not one of this list.

        """

        def search(session: Session) -> Page[CourseChanges]:
            page = search_course_rows(
                session,
                only=courses,
                with_over=False,
                after=after,
                limit=limit,
                is_memory=self.use_fallback,
            )
            own = own_predictions_of(session, [one.id for one in page if one.is_class])
            listed = [
                ListedCourse(
                    one.id, one.is_class, one.id in own or one.source is CourseSource.IMPORTED
                )
                for one in page
            ]
            lottery = self._draws.lottery
            changes = _changes(session, listed, since, top, lottery, with_reasons=with_reasons)
            return Page([one for one in changes if one.as_of is not None], page.next)

        return self.read_snapshot(search)


def _changes(
    session: Session,
    courses: Sequence[ListedCourse],
    since: datetime | None,
    top: int,
    lottery: Lottery,
    *,
    with_reasons: bool = False,
) -> list[CourseChanges]:
    # A band that begins among the first places may end this much below them.
    reach = top + MOST_BAND - 1 if lottery.is_on else top
    now, before = _ranked_places(session, courses, since, reach)
    others = [one for one in courses if one.id not in now]
    now, before = (
        {**ranked, **rest}
        for ranked, rest in zip((now, before), _all_places(session, others, since), strict=True)
    )
    now, before = _near_the_top(now, before, reach)
    draws = _draws(session, lottery, courses, now, before)
    shown = {
        row.prediction_id for places in (now, before) for rows in places.values() for row in rows
    }
    with_signs = indicators_of(session, shown, are_whole=with_reasons)
    return [
        changes_of(
            course.id,
            _filled(now.get(course.id, ()), with_signs),
            _filled(before.get(course.id, ()), with_signs),
            top,
            is_class=course.is_class,
            draws=draws.get(course.id, Draws()),
        )
        for course in courses
    ]


def _draws(
    session: Session,
    lottery: Lottery,
    courses: Sequence[ListedCourse],
    now: Places,
    before: Places,
) -> dict[str, Draws]:
    """Return the draws of the weeks of the latest rows, of the courses with own places."""

    def weeks(places: Places) -> dict[str, date]:
        newest = {one.id: max(places.get(one.id, ()), key=_as_of, default=None) for one in courses}
        own = {one.id for one in courses if one.is_own}
        return {id_: monday_of(row.as_of) for id_, row in newest.items() if row and id_ in own}

    present, earlier = weeks(now), weeks(before)
    found = draws_of(session, lottery, {*present.items(), *earlier.items()})
    return {
        id_: Draws(
            found.get((id_, week)), found.get((id_, earlier[id_])) if id_ in earlier else None
        )
        for id_, week in present.items()
    }


def _ranked_places(
    session: Session, courses: Sequence[ListedCourse], since: datetime | None, top: int
) -> tuple[Places, Places]:
    """Return the first places of the courses with stored places, now and then."""
    if session.get_bind().dialect.name == "sqlite" or row_limit() is not None:
        return {}, {}
    own = [one for one in courses if one.is_own]
    newest = newest_of_ranked(session, own)
    ranked = [one for one in own if one.id in newest]
    instants = {id_: since or row.as_of - DEFAULT_BACK for id_, row in newest.items()}
    return near_the_top(session, ranked, newest, instants, top)


def _all_places(
    session: Session, courses: Sequence[ListedCourse], since: datetime | None
) -> tuple[Places, Places]:
    """Return all places of the courses, now and then."""
    present = present_rows(session, courses)
    instants = {
        id_: since or max(row.placed.as_of for row in rows) - DEFAULT_BACK
        for id_, rows in present.items()
    }
    earlier = earlier_rows(session, courses, present, instants)
    return (
        {id_: with_places([row.placed for row in rows]) for id_, rows in present.items()},
        {id_: with_places(rows) for id_, rows in earlier.items()},
    )


def _near_the_top(now: Places, before: Places, top: int) -> tuple[Places, Places]:
    """Return the rows of students among the first places now or then, and the latest rows."""
    near = {
        (id_, row.student_id)
        for places in (now, before)
        for id_, rows in places.items()
        for row in rows
        if row.place is not None and row.place <= top
    }

    def chosen(places: Places) -> Places:
        found = {}
        for id_, rows in places.items():
            newest = max(rows, key=_as_of, default=None)
            found[id_] = [row for row in rows if (id_, row.student_id) in near or row is newest]
        return found

    return chosen(now), chosen(before)


def _as_of(row: Placed) -> datetime:
    return row.as_of


def _filled(rows: Sequence[Placed], indicators: Indicators) -> list[Placed]:
    filled = []
    for row in rows:
        primary, secondary = indicators.get(row.prediction_id, ((), ()))
        filled.append(row._replace(primary=primary, secondary=secondary))
    return filled
