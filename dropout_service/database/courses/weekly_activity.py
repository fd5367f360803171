"""Share of the students of courses who were active, by week."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Integer, Select, Subquery, cast, func, select, union
from sqlalchemy.orm import Session

from dropout_service.database.courses.activity import days_of, is_known
from dropout_service.database.courses.classes import enrolled_in_classes
from dropout_service.database.courses.store import (
    CourseRow,
    is_registered,
    search_course_rows,
)
from dropout_service.database.students.restrictions import is_assessed
from dropout_service.domain.enums import CourseSource
from dropout_service.models import DailyActivity, Enrolment, KnownStudent
from shared_db.clock import utc_now
from shared_db.queries.small_groups import MIN_GROUP, require_group
from shared_db.repository import Repository

_FIRST_MONDAY, _EPOCH = date(1970, 1, 5), date(1970, 1, 1)
_FIRST_DAY = (_FIRST_MONDAY - _EPOCH).days
_WEEK = 7
Counts = Mapping[str, Mapping[date, int]]


@dataclass(frozen=True)
class WeeklyActivity:
    """Students of a course who were active, by week; None in a week without known activity.

    students: those in it today, of courses known from events those active in these weeks. With
    fewer than 5 both are not shown: students is None, and so is each week.
    """

    course: str
    students: int | None
    active: Sequence[int | None]


@dataclass(frozen=True)
class CourseWeeks:
    """Activity in courses by week; `weeks` are Mondays, the last one is of the present week."""

    weeks: Sequence[date]
    until: date
    items: Sequence[WeeklyActivity]


class WeeklyActivityRepository(Repository):
    """Weekly activity of whole courses, from the daily rollup."""

    def of_courses(
        self, courses: Sequence[str], *, weeks: int = 9, today: date | None = None
    ) -> CourseWeeks:
        """Return the activity in these courses by week, in their order; unknown ones are left out.

        Students who are not assessed, or are out of sight, do not count.

        Raises:
            GroupTooSmall: a person with limited sight sees fewer than 5 students.

        """
        chosen = today or utc_now().date()
        monday = chosen - timedelta(days=chosen.weekday())
        mondays = [monday - timedelta(weeks=back) for back in reversed(range(weeks))]

        def query(session: Session) -> CourseWeeks:
            require_group(session, KnownStudent.id)
            page = search_course_rows(
                session, only=set(courses), limit=len(courses), is_memory=self.use_fallback
            )
            found = {one.id: one for one in page}
            members = _members(found.values(), mondays[0], chosen, is_memory=self.use_fallback)
            sizes = _sizes(session, members)
            active = _active(session, members, sorted(found), mondays[0], chosen)
            items = [
                _of_course(session, id_, sizes.get(id_, 0), active.get(id_, {}), mondays, chosen)
                for id_ in dict.fromkeys(courses)
                if id_ in found
            ]
            return CourseWeeks(mondays, chosen, items)

        return self.read_snapshot(query)


def _of_course(
    session: Session,
    course: str,
    size: int,
    active: Mapping[date, int],
    mondays: Sequence[date],
    today: date,
) -> WeeklyActivity:
    if size < MIN_GROUP:
        return WeeklyActivity(course, None, [None] * len(mondays))
    days = days_of(session, course, today)
    counts = [active.get(week, 0) if is_known(week, days) else None for week in mondays]
    return WeeklyActivity(course, size, counts)


def _members(
    courses: Iterable[CourseRow], since: date, today: date, *, is_memory: bool
) -> Subquery:
    """Return the query of courses and their students, each once."""
    ids: dict[CourseSource, list[str]] = defaultdict(list)
    for one in courses:
        ids[one.source].append(one.id)
    is_recent = DailyActivity.day.between(*_numbers(since, today))
    parts: list[Select[*tuple[Any, ...]]] = [
        select(Enrolment.course_id.label("course"), Enrolment.student_id).where(
            Enrolment.course_id.in_(ids[CourseSource.IMPORTED]), is_registered()
        ),
        select(DailyActivity.course, DailyActivity.student_id).where(
            DailyActivity.course.in_(ids[CourseSource.EVENTS]), is_recent
        ),
    ]
    if not is_memory:
        parts.append(enrolled_in_classes(ids[CourseSource.ROSTER], today))
    return union(*parts).subquery("members")


def _assessed(session: Session, members: Subquery) -> Subquery:
    query = select(members.c.course, members.c.student_id)
    return query.where(is_assessed(session, members.c.student_id)).subquery("assessed")


def _sizes(session: Session, members: Subquery) -> dict[str, int]:
    member = _assessed(session, members).c
    query = select(member.course, func.count())
    return {course: count for course, count in session.execute(query.group_by(member.course))}  # noqa: C416 - rows, not tuples


def _active(
    session: Session, members: Subquery, courses: Sequence[str], since: date, today: date
) -> Counts:
    """Return the numbers of these students with an event in a week, by course and Monday."""
    member, day = _assessed(session, members).c, DailyActivity.day
    week = cast((day - _FIRST_DAY) // _WEEK, Integer).label("week")
    students = (
        select(member.course, week, member.student_id)
        .join(
            DailyActivity,
            (DailyActivity.course == member.course)
            & (DailyActivity.student_id == member.student_id),
        )
        # The courses once more: an index finds their days.
        .where(DailyActivity.course.in_(courses), day.between(*_numbers(since, today)))
        .distinct()
        .subquery("students")
    ).c
    query = select(students.course, students.week, func.count())
    query = query.group_by(students.course, students.week)
    found: dict[str, dict[date, int]] = defaultdict(dict)
    for course, number, count in session.execute(query):
        found[course][_FIRST_MONDAY + timedelta(weeks=number)] = count
    return found


def _numbers(since: date, until: date) -> tuple[int, int]:
    return (since - _EPOCH).days, (until - _EPOCH).days
