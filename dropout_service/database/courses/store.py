"""Courses: list with enrolment counts, also of classes of the roster, and import."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    case,
    false,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from dropout_service.database.courses.bulk_import import (
    ActivityWindow,
    CourseToStore,
    CourseworkToStore,
    EnrolmentToStore,
    SubmissionToStore,
    finish,
    insert_courses,
    insert_enrolments,
    insert_submissions,
    require_postgresql,
)
from dropout_service.database.courses.classes import class_rows, enrolment_count, running_classes
from dropout_service.database.courses.event_courses import event_course_rows
from dropout_service.domain.enrolments.course_calendar import CourseDates
from dropout_service.domain.enums import CourseOutcome, CourseSource
from dropout_service.models import Course, Enrolment
from shared_db.clock import utc_now
from shared_db.queries.pagination import Keyset, Page
from shared_db.repository import Repository
from shared_db.results import InsertResult


class CourseRow(NamedTuple):
    """Course as in the summary, without numbers."""

    id: str
    starts_on: date | None
    length_days: int | None
    is_class: bool
    source: CourseSource


@dataclass(frozen=True)
class CourseSummary:
    """Course with the numbers of all its enrolments and of those not known to have left.

    A class of the roster is the course of the same id; starts_on, length_days: of its terms, None
    if these are not known.
    activity_from, activity_until: the days of the course (0 is its first) that its stream of
    activity covers. Both None: there is no stream; only the latter None: the stream goes on.
    """

    id: str
    module: str
    presentation: str
    starts_on: date | None
    length_days: int | None
    activity_from: int | None
    activity_until: int | None
    enrolments: int
    still_registered: int
    is_class: bool
    source: CourseSource


class CourseRepository(Repository):
    """Imported courses with their enrolments. The import needs PostgreSQL."""

    def search(self, *, after: str | None = None, limit: int = 100) -> Page[CourseSummary]:
        """Return imported courses, classes of the roster and courses of events alone, by id.

        The in-memory store has no classes. A person with limited sight finds courses of events
        alone if a student in sight was active there.

        Raises:
            MalformedCursor: the cursor is not one of this list.

        """
        return self.read(
            lambda session: search_courses(
                session, after=after, limit=limit, is_memory=self.use_fallback
            )
        )

    def get_dates(self, course: str) -> CourseDates | None:
        """Return the dates of a course, None if no enrolments of it are known."""
        found = self.read(lambda session: session.get(Course, course))
        return None if found is None else found.dates

    def search_running(self, as_of: datetime) -> list[str]:
        """Return the ids of the courses that have a completed day and are not over, sorted."""
        query = select(Course).order_by(Course.id)
        courses = self.read(lambda session: session.scalars(query).all())
        return [
            course.id
            for course in courses
            if course.dates.not_running_reason(course.dates.last_completed_day(as_of)) is None
        ]

    def search_running_classes(self, as_of: datetime) -> list[str]:
        """Return the ids of the classes of the roster that run at the instant, sorted."""
        if self.use_fallback:
            return []
        return list(self.read(lambda session: session.scalars(running_classes(as_of)).all()))

    def import_courses(
        self, courses: Sequence[CourseToStore], coursework: Sequence[CourseworkToStore]
    ) -> tuple[list[InsertResult], list[InsertResult]]:
        """Insert courses and their coursework; return the result of each, in order.

        Raises:
            NeedsPostgresql: the in-memory store answers.

        """
        self.require_postgresql()
        return self.write(lambda session: insert_courses(session, courses, coursework))

    def import_enrolments(self, enrolments: Sequence[EnrolmentToStore]) -> list[InsertResult]:
        """Insert enrolments, and their students if new; return the result of each, in order.

        Enrolments of erased students are not stored; their outcome is ERASED.

        Raises:
            NeedsPostgresql: the in-memory store answers.

        """
        self.require_postgresql()
        return self.write(
            lambda session: insert_enrolments(session, enrolments), wait_for_disk=False
        )

    def import_submissions(self, submissions: Sequence[SubmissionToStore]) -> list[InsertResult]:
        """Insert submissions and return the result of each, in order.

        Submissions without their enrolment, as of erased students, are not stored: ERASED.

        Raises:
            NeedsPostgresql: the in-memory store answers.

        """
        self.require_postgresql()
        return self.write(
            lambda session: insert_submissions(session, submissions), wait_for_disk=False
        )

    def finish_import(self, windows: Mapping[str, ActivityWindow]) -> None:
        """Store the days of the courses for which there is activity, once all of it is stored.

        Stored days are only ever widened. Until then a course counts as one without a stream, so
        that days which an interrupted import left out are missing, not zero.

        Raises:
            NeedsPostgresql: the in-memory store answers.

        """
        self.require_postgresql()
        # This commit alone waits for the disk, and with it for all batches before.
        self.write(lambda session: finish(session, windows))

    def require_postgresql(self) -> None:
        """Reject the import into the in-memory store.

        Raises:
            NeedsPostgresql: the in-memory store answers.

        """
        require_postgresql(self.database)


def search_courses(
    session: Session,
    *,
    only: Collection[str] | None = None,
    after: str | None = None,
    limit: int = 100,
    is_memory: bool,
) -> Page[CourseSummary]:
    """Return courses by id, following the cursor `after`. only: these ids; None: all.

    Raises:
        MalformedCursor: the cursor is not one of this list.

    """
    listed = _listed(is_memory=is_memory)
    query = _summaries(listed, is_memory=is_memory)
    if only is not None:
        query = query.where(listed.c.id.in_(only))
    by_id = Keyset("courses", (listed.c.id,))
    rows, next_ = by_id.rows(session, query, after=after, limit=limit)
    return Page([CourseSummary(*row[:-1]) for row in rows], next_)


def search_course_rows(
    session: Session,
    *,
    only: Collection[str] | None = None,
    with_over: bool = True,
    after: str | None = None,
    limit: int = 100,
    is_memory: bool,
) -> Page[CourseRow]:
    """Return courses by id as `search_courses` does, without counting enrolments.

    with_over: False leaves out courses that are over.

    Raises:
        MalformedCursor: the cursor is not one of this list.

    """
    listed = _listed(is_memory=is_memory)
    row = listed.c
    query = select(row.id, row.starts_on, row.length_days, row.is_class, row.source)
    if only is not None:
        query = query.where(row.id.in_(only))
    if not with_over:
        today = (utc_now() + timedelta(seconds=1)).date()
        if is_memory:
            is_after = func.julianday(row.starts_on) + row.length_days >= func.julianday(today)
        else:
            is_after = row.starts_on + row.length_days >= today
        query = query.where(row.starts_on.is_(None) | row.length_days.is_(None) | is_after)
    rows, next_ = Keyset("courses", (row.id,)).rows(session, query, after=after, limit=limit)
    return Page([_course_row(*one[:-1]) for one in rows], next_)


def is_registered() -> ColumnElement[bool]:
    """Return the condition that an enrolment is not known to have ended."""
    return Enrolment.unregistered_day.is_(None) & or_(
        Enrolment.outcome.is_(None), Enrolment.outcome != CourseOutcome.WITHDRAWN
    )


def _course_row(
    id_: str, starts_on: date | None, length_days: int | None, is_class: object, source: str
) -> CourseRow:
    return CourseRow(id_, starts_on, length_days, bool(is_class), CourseSource(source))


def _listed(*, is_memory: bool) -> Subquery:
    imported = select(
        Course.id.label("id"),
        Course.module.label("module"),
        Course.presentation.label("presentation"),
        Course.starts_on.label("starts_on"),
        Course.length_days.label("length_days"),
        Course.activity_from.label("activity_from"),
        Course.activity_until.label("activity_until"),
        false().label("is_class"),
        literal(CourseSource.IMPORTED.value).label("source"),
    )
    of_events = event_course_rows(is_memory=is_memory)
    if is_memory:
        return union_all(imported, of_events).subquery("listed")
    return union_all(imported, class_rows(), of_events).subquery("listed")


def _summaries(listed: Subquery, *, is_memory: bool) -> Select[*tuple[Any, ...]]:
    # Counted outside of the union, so only for the rows of the page.
    *shown, is_of_roster, source = listed.c
    count = select(func.count()).where(Enrolment.course_id == listed.c.id)
    counts = [count.scalar_subquery(), count.where(is_registered()).scalar_subquery()]
    if is_memory:
        return select(*shown, *counts, is_of_roster, source)
    of_class = [enrolment_count(listed.c.id), enrolment_count(listed.c.id, utc_now().date())]
    chosen = [
        case((is_of_roster, theirs), else_=ours)
        for theirs, ours in zip(of_class, counts, strict=True)
    ]
    return select(*shown, *chosen, is_of_roster, source)
