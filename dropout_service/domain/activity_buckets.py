"""Activity of a student in weeks or days, beside the quartiles of the course."""

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


def buckets_of(
    bucket: Bucket,
    span: tuple[date, date],
    known: Span | None,
    counts: Counts,
    course: tuple[Mapping[str, Sequence[Span]], Mapping[str, Mapping[date, int]]] | None,
) -> list[ActivityBucket]:
    """Return the buckets of the span.

    known: days of which activity is known; None: of none. course: the enrolments of each student,
    and the active days by student and bucket; None: no course is asked for.
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
    first: date,
    last: date,
    course: tuple[Mapping[str, Sequence[Span]], Mapping[str, Mapping[date, int]]] | None,
) -> tuple[float | None, float | None, float | None, int | None]:
    """Return the median, the lower and the upper quartile, and the number of students."""
    if course is None:
        return None, None, None, None
    enrolled, active = course
    values = [
        active.get(student_id, {}).get(first, 0)
        for student_id, spans in enrolled.items()
        if any(span.overlaps(first, last) for span in spans)
    ]
    if len(values) < MIN_STUDENTS:
        return None, None, None, None
    low, median, high = quantiles(values, n=4, method="inclusive")
    return median, low, high, len(values)
