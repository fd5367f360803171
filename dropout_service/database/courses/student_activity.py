"""Activity of a student by week or day, from the daily rollup."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Integer, Select, exists, func, select
from sqlalchemy.orm import Session

from dropout_service.database.courses.classes import class_of, enrolments_by_student
from dropout_service.database.students.locking import require_student
from dropout_service.domain.activity_buckets import (
    ActivityBucket,
    Bucket,
    CourseActivity,
    Histograms,
    Span,
    buckets_of,
    course_activity,
)
from dropout_service.domain.enrolments.class_calendar import RosterClass
from dropout_service.errors import CourseNotFound
from dropout_service.models import Course, DailyActivity, Enrolment
from shared_db.clock import utc_now
from shared_db.columns import Key
from shared_db.queries.arrays import array_rows, array_values
from shared_db.repository import Repository

_ROW = DailyActivity
_EPOCH = date(1970, 1, 1)
# With the week of the last day 26 weeks.
DEFAULT_BACK = timedelta(weeks=25)


@dataclass(frozen=True)
class StudentActivity:
    """Activity of a student, of one course or of all."""

    course: str | None
    bucket: Bucket
    items: Sequence[ActivityBucket]


@dataclass(frozen=True)
class _Course:
    """Days of a course, the days of which activity is known, and the enrolments by student.

    is_of_events: the course is known from events alone, and its active students are the enrolled.
    """

    id: str
    days: Span
    known: Span | None
    enrolled: Mapping[str, Sequence[Span]]
    is_of_events: bool = False


class StudentActivityRepository(Repository):
    """Activity of students over time."""

    def get(
        self,
        student_id: str,
        *,
        course: str | None = None,
        bucket: Bucket = Bucket.WEEK,
        from_: date | None = None,
        until: date | None = None,
    ) -> StudentActivity:
        """Return the activity of a student, and the quartiles of the course.

        from_, until: days (UTC); by default those of the course until today, or the last 26 weeks.

        Raises:
            StudentNotFound, StudentErased, StudentMerged: as `require_student`.
            CourseNotFound: the course is not stored, is no class, and has no events.

        """

        def get(session: Session) -> StudentActivity:
            require_student(session, student_id)
            found = None if course is None else _course(session, course)
            first, last = _span(found, from_, until)
            counts = _counts(session, student_id, course, bucket, first, last)
            if found is None:
                known, others = _seen(session, student_id), None
            else:
                known, others = found.known, _activity(session, found, bucket, first, last)
            items = buckets_of(bucket, (first, last), known, counts, others)
            return StudentActivity(course, bucket, items)

        return self.read_snapshot(get)


def _course(session: Session, course: str) -> _Course:
    imported = session.get(Course, course)
    if imported is not None:
        return _imported(session, imported)
    # Of a course without any events it is not known if there would be some.
    is_active = session.scalar(select(exists().where(_ROW.course == course)))
    known = Span() if is_active else None
    found = class_of(session, course)
    if found is not None:
        return _of_class(session, found, known)
    if known is None:
        raise CourseNotFound(course)
    active = session.scalars(select(_ROW.student_id).where(_ROW.course == course).distinct())
    return _Course(course, known, known, dict.fromkeys(active, (known,)), is_of_events=True)


def _imported(session: Session, course: Course) -> _Course:
    def day(number: int | None) -> date | None:
        return None if number is None else course.starts_on + timedelta(days=number)

    known = None
    if course.activity_from is not None:
        known = Span(day(course.activity_from), day(course.activity_until))
    query = select(Enrolment.student_id, Enrolment.registered_day, Enrolment.unregistered_day)
    enrolled = {
        student_id: (Span(day(first), None if left is None else day(left - 1)),)
        for student_id, first, left in session.execute(
            query.where(Enrolment.course_id == course.id)
        )
    }
    return _Course(course.id, Span(course.starts_on, day(course.length_days - 1)), known, enrolled)


def _of_class(session: Session, found: RosterClass, known: Span | None) -> _Course:
    enrolled = {
        student_id: [
            Span(one.valid_from, one.valid_to and one.valid_to - timedelta(days=1)) for one in spans
        ]
        for student_id, spans in enrolments_by_student(session, found.id).items()
    }
    return _Course(found.id, Span(found.starts_on, found.ends_on), known, enrolled)


def _span(course: _Course | None, first: date | None, last: date | None) -> tuple[date, date]:
    """Return the first and the last day, which is today at the latest."""
    days = Span() if course is None else course.days
    ends = [day for day in (last or days.last, utc_now().date()) if day is not None]
    end = min(ends)
    begin = first or days.first or end - DEFAULT_BACK
    return begin, end


def _counts(
    session: Session, student_id: str, course: str | None, bucket: Bucket, first: date, last: date
) -> dict[date, tuple[int, int]]:
    query = select(_ROW.day, func.sum(_ROW.events)).where(
        _ROW.student_id == student_id, *_between(bucket, first, last)
    )
    if course is not None:
        query = query.where(_ROW.course == course)
    counts: dict[date, tuple[int, int]] = {}
    for day, events in session.execute(query.group_by(_ROW.day)):
        begin = bucket.first_day(_EPOCH + timedelta(days=day))
        active, more = counts.get(begin, (0, 0))
        counts[begin] = active + 1, more + int(events)
    return counts


def _activity(
    session: Session, course: _Course, bucket: Bucket, first: date, last: date
) -> CourseActivity:
    # 1970-01-05 was a Monday; the days are after it.
    number = ((_ROW.day - 4) // bucket.length).label("number")
    counted = (
        select(_ROW.student_id, number, func.count().label("days"))
        .where(_ROW.course == course.id, *_between(bucket, first, last))
        .group_by(_ROW.student_id, number)
    )
    if session.get_bind().dialect.name != "sqlite":
        active = _histograms(session, course, bucket, counted)
        return CourseActivity(Counter(map(tuple, course.enrolled.values())), active)
    found: dict[str, dict[date, int]] = defaultdict(dict)
    for student_id, at, days in session.execute(counted):
        found[student_id][_first_day(bucket, at)] = days
    return course_activity(bucket, course.enrolled, found)


def _histograms(
    session: Session, course: _Course, bucket: Bucket, counted: Select[*tuple[Any, ...]]
) -> Histograms:
    """Return the numbers of students by active days, which the database counts."""
    of_student = counted.subquery("of_student")
    number, days = of_student.c.number, of_student.c.days
    query = select(number, days, func.count()).group_by(number, days)
    values: dict[str, list[Any]] = {}
    if not course.is_of_events:
        span = array_rows(id=Key, first=Integer, last=Integer)
        first = number * bucket.length + 4
        is_enrolled = exists().where(
            span.c.id == of_student.c.student_id,
            span.c.first < first + bucket.length,
            span.c.last >= first,
        )
        query = query.where(is_enrolled)
        rows = [
            (id_, _number(span.first, date.min), _number(span.last, date.max))
            for id_, spans in course.enrolled.items()
            for span in spans
        ]
        values = array_values(rows, "id", "first", "last")
    found: dict[date, dict[int, int]] = defaultdict(dict)
    for at, active_days, students in session.execute(query, values):
        found[_first_day(bucket, at)][active_days] = students
    return found


def _number(day: date | None, missing: date) -> int:
    return ((day or missing) - _EPOCH).days


def _first_day(bucket: Bucket, number: int) -> date:
    return _EPOCH + timedelta(days=4 + number * bucket.length)


def _between(bucket: Bucket, first: date, last: date) -> tuple[Any, Any]:
    begin = (bucket.first_day(first) - _EPOCH).days
    return _ROW.day >= begin, _ROW.day <= (last - _EPOCH).days


def _seen(session: Session, student_id: str) -> Span | None:
    """Return the days since the first event of the student; None without events."""
    first = session.scalar(select(func.min(_ROW.day)).where(_ROW.student_id == student_id))
    return None if first is None else Span(_EPOCH + timedelta(days=first))
