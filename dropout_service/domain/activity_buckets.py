"""Activity of a student in weeks or days, beside the quartiles of the course."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from statistics import quantiles

MIN_STUDENTS = 5


class Bucket(StrEnum):
    """Length of a bucket."""

    WEEK = "1w"
    DAY = "1d"

    def first_day(self, day: date) -> date:
        """Return the first day of the bucket with a day; a week begins on Monday."""
        return day - timedelta(days=day.weekday()) if self is Bucket.WEEK else day

    @property
    def length(self) -> int:
        """Number of its days."""
        return 7 if self is Bucket.WEEK else 1


@dataclass(frozen=True)
class Span:
    """Days from the first to the last one; None: without a beginning or end."""

    first: date | None = None
    last: date | None = None

    def overlaps(self, first: date, last: date) -> bool:
        """Return True if one of the days is in the span."""
        begins = self.first is None or self.first <= last
        return begins and (self.last is None or self.last >= first)


@dataclass(frozen=True)
class ActivityBucket:
    """Active days and events of a student; None: not known.

    course_low, course_high: the quartiles of the active days of the students enrolled then; None
    with fewer than five of them.
    """

    begins_on: date
    active_days: int | None
    events: int | None
    course_median: float | None
    course_low: float | None
    course_high: float | None
    course_students: int | None


# Active days and events of a student by the first day of the bucket.
Counts = Mapping[date, tuple[int, int]]
# Number of students by active days, without those of none, by the first day of the bucket.
Histograms = Mapping[date, Mapping[int, int]]


@dataclass(frozen=True)
class CourseActivity:
    """Activity of a course: its students by their enrolments, and by their active days.

    enrolled: number of students with the same days of enrolment. active: of the students who are
    enrolled on a day of the bucket.
    """

    enrolled: Mapping[tuple[Span, ...], int]
    active: Histograms

    def students(self, first: date, last: date) -> int:
        """Return the number of students who are enrolled on one of the days."""
        return sum(
            count
            for spans, count in self.enrolled.items()
            if any(span.overlaps(first, last) for span in spans)
        )


def course_activity(
    bucket: Bucket,
    enrolled: Mapping[str, Sequence[Span]],
    active: Mapping[str, Mapping[date, int]],
) -> CourseActivity:
    """Return the activity of a course. active: the active days by student and bucket."""
    histograms: dict[date, Counter[int]] = defaultdict(Counter)
    for student_id, days in active.items():
        spans = enrolled.get(student_id, ())
        for first, number in days.items():
            last = first + timedelta(days=bucket.length - 1)
            if any(span.overlaps(first, last) for span in spans):
                histograms[first][number] += 1
    return CourseActivity(Counter(map(tuple, enrolled.values())), histograms)


def buckets_of(
    bucket: Bucket,
    span: tuple[date, date],
    known: Span | None,
    counts: Counts,
    course: CourseActivity | None,
) -> list[ActivityBucket]:
    """Return the buckets of the span.

    known: days of which activity is known; None: of none. course: None: no course is asked for.
    """
    first, last = bucket.first_day(span[0]), span[1]
    found = []
    while first <= last:
        end = first + timedelta(days=bucket.length - 1)
        if known is not None and known.overlaps(first, end):
            active, events = counts.get(first, (0, 0))
            figures = _quartiles(first, end, course)
            found.append(ActivityBucket(first, active, events, *figures))
        else:
            found.append(ActivityBucket(first, None, None, None, None, None, None))
        first += timedelta(days=bucket.length)
    return found


def _quartiles(
    first: date, last: date, course: CourseActivity | None
) -> tuple[float | None, float | None, float | None, int | None]:
    """Return the median, the lower and the upper quartile, and the number of students."""
    students = 0 if course is None else course.students(first, last)
    if course is None or students < MIN_STUDENTS:
        return None, None, None, None
    active = course.active.get(first, {})
    values = [0] * (students - sum(active.values()))
    for days, count in sorted(active.items()):
        values += [days] * count
    low, median, high = quantiles(values, n=4, method="inclusive")
    return median, low, high, students
