"""Freshness of the data of each course: repository."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Subquery, func, literal, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session

from dropout_service.database.courses.last_marks import (
    last_enrolments,
    last_marks_in_classes,
    marks_received,
)
from dropout_service.database.courses.store import CourseRow, search_course_rows
from dropout_service.domain.enrolments.course_calendar import CourseDates
from dropout_service.domain.enums import CourseSource
from dropout_service.domain.freshness import (
    MAX_INSTANTS,
    DataKind,
    is_stale_by_due_days,
    is_stale_by_gaps,
)
from dropout_service.models import (
    Assessment,
    Coursework,
    DailyActivity,
    DropoutPrediction,
    Enrolment,
    Submission,
)
from shared_db.clock import utc_now
from shared_db.columns import Key
from shared_db.queries.pagination import Page
from shared_db.repository import Repository
from shared_db.row_limits import row_limit
from shared_db.spool.access import best_effort

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Freshness:
    """Last data of a kind in a course; None: not known, or there are none.

    last_occurred_at: the day of the last event, submission or begin of an enrolment, the instant
    of the last mark, or the `as_of` of the last prediction. is_stale: None with too little data.
    """

    course: str
    kind: DataKind
    last_received_at: datetime | None
    last_occurred_at: datetime | None
    is_stale: bool | None


@dataclass(frozen=True)
class FreshnessPage:
    """Freshness of a page of courses, and the rows in the spool of this process.

    waiting, refused: None without a spool, and for a person with limited sight.
    """

    items: Sequence[Freshness]
    next: str | None
    waiting: int | None
    refused: int | None
    as_of: datetime


class FreshnessRepository(Repository):
    """Freshness of events, submissions, marks, enrolments and predictions."""

    def search(self, *, after: str | None = None, limit: int = 20) -> FreshnessPage:
        """Return the freshness of each course, by id.

        Raises:
            MalformedCursor: the cursor is not one of this list.

        """
        now = utc_now()

        def search(session: Session) -> Page[Freshness]:
            page = search_course_rows(
                session, after=after, limit=limit, is_memory=self.use_fallback
            )
            items = _of_courses(session, page.items, now, is_memory=self.use_fallback)
            return Page(items, page.next)

        page = self.read_snapshot(search)
        spool = self.spool.spool
        state = None if spool is None else best_effort(spool.state, unknown=None)
        waiting, refused = (state.waiting, state.refused) if state else (None, None)
        return FreshnessPage(page.items, page.next, waiting, refused, now)


def _of_courses(
    session: Session, courses: Sequence[CourseRow], now: datetime, *, is_memory: bool
) -> list[Freshness]:
    if not courses:
        return []
    ids = [course.id for course in courses]
    day, made = DailyActivity, DropoutPrediction
    days = _last(session, ids, day.course, day.day)
    events = {id_: [_EPOCH + timedelta(days=one) for one in found] for id_, found in days.items()}
    runs = _last(session, ids, made.course, made.as_of)
    received = _created(session, ids)
    submitted, due = _submitted(session, ids), _due_days(session, ids)
    marked, marks_at = _marked(session, courses)
    begun = last_enrolments(session, ids, is_memory=is_memory)
    found = []
    for course in courses:
        id_, is_over = course.id, _is_over(course, now)
        seen, predicted = events.get(id_, []), runs.get(id_, [])
        found += [
            _freshness(id_, DataKind.EVENTS, None, seen, is_over, now),
            _freshness(id_, DataKind.PREDICTIONS, received.get(id_), predicted, is_over, now),
        ]
        if id_ in marked or course.is_class:
            marks = marked.get(id_, [])
            found.append(_freshness(id_, DataKind.MARKS, marks_at.get(id_), marks, is_over, now))
        if course.source is not CourseSource.EVENTS:
            # Students begin at no regular intervals.
            first = begun.get(id_)
            began = None if first is None else datetime.combine(first, datetime.min.time(), UTC)
            stale = False if is_over else None
            found.append(Freshness(id_, DataKind.ENROLMENTS, None, began, stale))
        if id_ in due and course.starts_on is not None:
            last = submitted.get(id_)
            begins = datetime.combine(course.starts_on, datetime.min.time(), UTC)
            today = (now - begins).days
            stale = is_stale_by_due_days(last, due[id_], today)
            at = None if last is None else begins + timedelta(days=last)
            found.append(
                Freshness(id_, DataKind.SUBMISSIONS, None, at, False if is_over else stale)
            )
    return found


def _freshness(
    course: str,
    kind: DataKind,
    received: datetime | None,
    instants: Sequence[datetime],
    is_over: bool,  # noqa: FBT001 - the last of the values of a row
    now: datetime,
) -> Freshness:
    last = instants[0] if instants else None
    stale = False if is_over else is_stale_by_gaps(instants, now)
    return Freshness(course, kind, received, last, stale)


def _is_over(course: CourseRow, now: datetime) -> bool:
    if course.starts_on is None or course.length_days is None:
        return False
    return CourseDates(course.starts_on, course.length_days).is_over_at(now)


def _last(
    session: Session,
    ids: Sequence[str],
    course: InstrumentedAttribute[Any],
    at: InstrumentedAttribute[Any],
) -> Mapping[str, list[Any]]:
    """Return the last different values of a column in each course, the latest first.

    Each is one look into the index of course and value: not all rows of a course are read.
    """
    if not ids:
        return {}
    found: dict[str, list[Any]] = defaultdict(list)
    if row_limit() is not None:
        # Few students, whose rows are found by their ids.
        seen = select(course, at).where(course.in_(ids)).distinct().order_by(course, at.desc())
        for id_, value in session.execute(seen):
            if len(found[id_]) < MAX_INSTANTS:
                found[id_].append(value)
        return found
    listed = _listed(ids)
    latest = select(func.max(at)).where(course == listed.c.id).scalar_subquery()
    step = select(listed.c.id, latest.label("at"), literal(1).label("number")).cte(
        "step", recursive=True
    )
    before = select(func.max(at)).where(course == step.c.id, at < step.c.at).scalar_subquery()
    has_more = step.c.at.is_not(None) & (step.c.number < MAX_INSTANTS)
    steps = step.union_all(select(step.c.id, before, step.c.number + 1).where(has_more))
    query = select(steps.c.id, steps.c.at).where(steps.c.at.is_not(None))
    for id_, value in session.execute(query.order_by(steps.c.id, steps.c.number)):
        found[id_].append(value)
    return found


def _created(session: Session, ids: Sequence[str]) -> dict[str, datetime]:
    """Return when one of the last predictions of each course was made."""
    row, listed = DropoutPrediction, _listed(ids)
    if row_limit() is not None:
        made = select(row.course, func.max(row.created_at)).where(row.course.in_(ids))
        return {str(id_): at for id_, at in session.execute(made.group_by(row.course))}
    last = select(row.created_at).where(row.course == listed.c.id).order_by(row.as_of.desc())
    rows = session.execute(select(listed.c.id, last.limit(1).scalar_subquery()))
    return {id_: at for id_, at in rows if at is not None}


def _listed(ids: Sequence[str]) -> Subquery:
    return union_all(*(select(literal(id_, Key).label("id")) for id_ in ids)).subquery("listed")


def _marked(
    session: Session, courses: Sequence[CourseRow]
) -> tuple[Mapping[str, list[datetime]], Mapping[str | None, datetime]]:
    """Return the last instants of marks by course, and when the last ones were received.

    Of a class: the marks in its subjects, of which the instant of receipt is not published.
    """
    own = [course.id for course in courses if not course.is_class]
    classes = [course.id for course in courses if course.is_class]
    marks = {
        **_last(session, own, Assessment.course, Assessment.submitted_at),
        **last_marks_in_classes(session, classes, MAX_INSTANTS),
    }
    last = {id_: marks[id_][0] for id_ in own if id_ in marks}
    return marks, marks_received(session, last)


def _submitted(session: Session, ids: Sequence[str]) -> dict[str, int]:
    query = (
        select(Enrolment.course_id, func.max(Submission.submitted_day))
        .join(Submission, Submission.enrolment_id == Enrolment.id)
        .where(Enrolment.course_id.in_(ids), ~Submission.is_banked)
        .group_by(Enrolment.course_id)
    )
    return {course: day for course, day in session.execute(query)}  # noqa: C416 - rows, not tuples


def _due_days(session: Session, ids: Sequence[str]) -> Mapping[str, list[int]]:
    query = select(Coursework.course_id, Coursework.due_day).where(
        Coursework.course_id.in_(ids), Coursework.due_day.is_not(None), ~Coursework.is_exam
    )
    found: dict[str, list[Any]] = defaultdict(list)
    for course, day in session.execute(query):
        found[course].append(day)
    return found
