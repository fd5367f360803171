"""Activity of students of a course by week, and the work that they handed in."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dropout_service.database.courses.classes import class_of
from dropout_service.errors import CourseNotFound
from dropout_service.models import (
    Course,
    Coursework,
    DailyActivity,
    Enrolment,
    Submission,
    published_enrolments,
)
from shared_db.clock import utc_now
from shared_db.queries.dialects import in_list
from shared_db.repository import Repository

_WEEK = 7
_FIRST_MONDAY = date(1970, 1, 5)
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class StudentActivity:
    """Activity of a student in a course.

    active_days: days with an event in each of the weeks; None where activity is not known.
    due, handed_in: pieces of coursework due by the last day, and those of them handed in; None for
    a course that sets no coursework here.
    """

    student_id: str
    active_days: list[int | None]
    due: int | None
    handed_in: int | None


@dataclass(frozen=True)
class CourseActivity:
    """Activity of students of a course; `weeks` are Mondays, the earliest first.

    until: the last day that counts: today, or the last day of a course that is over.
    """

    course: str
    until: date
    weeks: list[date]
    items: list[StudentActivity]


@dataclass(frozen=True)
class KnownDays:
    """Last day that counts, and the first and last day with known activity (None: not known)."""

    until: date
    known_from: date | None
    known_until: date | None


class CourseActivityRepository(Repository):
    """Activity in courses, from the daily rollup."""

    def of_students(
        self, course: str, student_ids: Sequence[str], *, weeks: int = 8, today: date | None = None
    ) -> CourseActivity:
        """Return the activity of these students in the last weeks of the course, by student id.

        Students without rows in sight are left out.

        Raises:
            CourseNotFound: the course is not stored, is no class, and has no events.

        """
        chosen = today or utc_now().date()

        def query(session: Session) -> CourseActivity:
            days = days_of(session, course, chosen)
            monday = days.until - timedelta(days=days.until.weekday())
            mondays = [monday - timedelta(weeks=back) for back in reversed(range(weeks))]
            active = _active_days(session, course, student_ids, mondays[0], days.until)
            work = _work(session, course, student_ids, days.until)
            known = [is_known(week, days) for week in mondays]
            present = {*active, *work, *_in_class(session, course, student_ids)}
            found = [
                StudentActivity(
                    student_id,
                    [
                        active.get(student_id, {}).get(week, 0) if was_known else None
                        for week, was_known in zip(mondays, known, strict=True)
                    ],
                    *work.get(student_id, (None, None)),
                )
                for student_id in sorted(present)
            ]
            return CourseActivity(course, days.until, mondays, found)

        return self.read_snapshot(query)


def days_of(session: Session, course: str, today: date) -> KnownDays:
    """Return the days of a course that count, up to today, and those with known activity.

    Raises:
        CourseNotFound: the course is not stored, is no class, and has no events.

    """
    stored = session.get(Course, course)
    if stored is not None:
        last = stored.starts_on + timedelta(days=stored.length_days - 1)
        first, end = stored.activity_from, stored.activity_until
        if first is None:
            return KnownDays(min(today, last), None, None)
        ends_on = last if end is None else stored.starts_on + timedelta(days=end)
        return KnownDays(min(today, last), stored.starts_on + timedelta(days=first), ends_on)
    first_day = session.scalar(
        select(func.min(DailyActivity.day)).where(DailyActivity.course == course)
    )
    of_roster = class_of(session, course)
    if of_roster is None and first_day is None:
        raise CourseNotFound(course)
    ended_on = of_roster.ends_on if of_roster else None
    until = min(today, ended_on) if ended_on else today
    if first_day is None:
        return KnownDays(until, None, None)
    return KnownDays(until, _EPOCH + timedelta(days=first_day), until)


def is_known(monday: date, days: KnownDays) -> bool:
    """Return True if activity is known of a day of the week."""
    if days.known_from is None or days.known_until is None:
        return False
    return monday + timedelta(days=_WEEK - 1) >= days.known_from and monday <= days.known_until


def _active_days(
    session: Session, course: str, student_ids: Sequence[str], since: date, until: date
) -> Mapping[str, Mapping[date, int]]:
    """Return the numbers of active days by student and Monday; students without any, too."""
    first = (_FIRST_MONDAY - _EPOCH).days
    week = (DailyActivity.day - first) // _WEEK
    dialect = session.get_bind().dialect.name
    query = (
        select(DailyActivity.student_id, week, func.count())
        .where(
            DailyActivity.course == course,
            in_list(DailyActivity.student_id, "ids", dialect),
            DailyActivity.day >= (since - _EPOCH).days,
            DailyActivity.day <= (until - _EPOCH).days,
        )
        .group_by(DailyActivity.student_id, week)
    )
    found: dict[str, dict[date, int]] = defaultdict(dict)
    for student_id, number, count in session.execute(query, {"ids": list(student_ids)}):
        found[student_id][_FIRST_MONDAY + timedelta(weeks=number)] = count
    is_known = select(DailyActivity.student_id).where(
        DailyActivity.course == course, in_list(DailyActivity.student_id, "ids", dialect)
    )
    for student_id in session.scalars(is_known.distinct(), {"ids": list(student_ids)}):
        found.setdefault(student_id, {})
    return found


def _work(
    session: Session, course: str, student_ids: Sequence[str], until: date
) -> Mapping[str, tuple[int, int]]:
    """Return the pieces of coursework due by a day, and those handed in, by enrolled student."""
    stored = session.get(Course, course)
    if stored is None:
        return {}
    is_due = (Coursework.course_id == course) & (
        Coursework.due_day <= (until - stored.starts_on).days
    )
    due = session.scalar(select(func.count()).where(is_due, ~Coursework.is_exam)) or 0
    dialect = session.get_bind().dialect.name
    handed_in = (
        select(func.count())
        .where(
            Submission.enrolment_id == Enrolment.id,
            Submission.coursework_id == Coursework.id,
            is_due,
            ~Coursework.is_exam,
        )
        .scalar_subquery()
    )
    query = select(Enrolment.student_id, handed_in).where(
        Enrolment.course_id == course, in_list(Enrolment.student_id, "ids", dialect)
    )
    return {
        student_id: (due, count)
        for student_id, count in session.execute(query, {"ids": list(student_ids)})
    }


def _in_class(session: Session, course: str, student_ids: Sequence[str]) -> set[str]:
    if session.get_bind().dialect.name == "sqlite":
        return set()
    enrolled = published_enrolments.c
    query = select(enrolled.student_id).where(
        enrolled.class_id == course, in_list(enrolled.student_id, "ids", "postgresql")
    )
    return set(session.scalars(query, {"ids": list(student_ids)}))
