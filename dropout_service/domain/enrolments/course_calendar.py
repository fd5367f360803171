"""Calendar of a course: its days as instants, and the period of an enrolment within it.

Days count from the first day of the course, which is day 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

_LAST_SECOND = time(23, 59, 59, tzinfo=UTC)
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class CourseDates:
    """Date of day 0 of a course, and its length in days."""

    starts_on: date
    length_days: int

    def not_running_reason(self, day: int) -> str | None:
        """Return the reason why the course is not running at the end of that day, else None."""
        if day < 0:
            return f"the course begins on {self.starts_on}, and its first day was not over"
        if day >= self.length_days:
            return f"the course was over on {self.starts_on + timedelta(days=self.length_days)}"
        return None

    def is_over_at(self, as_of: datetime) -> bool:
        """Return True if the course was over at the instant."""
        return self.last_completed_day(as_of) >= self.length_days

    def last_completed_day(self, instant: datetime) -> int:
        """Return the last course day that was over at the instant; -1 or less before the first.

        A day (UTC) is over from its last second on.
        """
        one_second_later = instant.astimezone(UTC) + timedelta(seconds=1)
        return (one_second_later.date() - self.starts_on).days - 1

    def course_day(self, epoch_day: int) -> int:
        """Return the day of the course; epoch_day: days (UTC) since 1970-01-01."""
        return epoch_day - (self.starts_on - _EPOCH).days

    def end_of(self, day: int) -> datetime:
        """Return the last second (UTC) of a day of the course."""
        return datetime.combine(self.starts_on + timedelta(days=day), _LAST_SECOND)


def not_enrolled_reason(
    registered_day: int | None, unregistered_day: int | None, day: int
) -> str | None:
    """Return the reason why the student is not enrolled at the end of that day, else None."""
    if unregistered_day is not None and unregistered_day <= day:
        return f"the student left the course on its day {unregistered_day}"
    if registered_day is not None and registered_day > day:
        return "the student was not registered by then"
    return None


@dataclass(frozen=True)
class EnrolmentPeriod:
    """Course of an enrolment, and the days of registration and withdrawal.

    activity_from, activity_until: first and last day of the course's activity stream. Both are
    None without a stream; activity_until is None while the stream continues.
    """

    course: str
    dates: CourseDates
    registered_day: int | None
    unregistered_day: int | None
    activity_from: int | None = None
    activity_until: int | None = None

    def not_assessable_reason(self, as_of: datetime) -> str | None:
        """Return the reason why the enrolment is not assessable at the instant, else None."""
        day = self.dates.last_completed_day(as_of)
        not_enrolled = not_enrolled_reason(self.registered_day, self.unregistered_day, day)
        return self.dates.not_running_reason(day) or not_enrolled

    def ended_at(self, as_of: datetime) -> datetime | None:
        """Return the end, by withdrawal or with the course, if it is before the instant."""
        day = self.dates.last_completed_day(as_of)
        if self.unregistered_day is not None and self.unregistered_day <= day:
            return self.dates.end_of(self.unregistered_day)
        is_over = self.dates.is_over_at(as_of)
        return self.dates.end_of(self.dates.length_days - 1) if is_over else None

    def has_activity_stream_on(self, day: int) -> bool:
        """Return True if the activity stream covers that day of the course."""
        if self.activity_from is None or day < self.activity_from:
            return False
        return self.activity_until is None or day <= self.activity_until

    def has_activity_stream_at(self, as_of: datetime) -> bool:
        """Return True if the activity stream covers the last completed day at the instant."""
        return self.has_activity_stream_on(self.dates.last_completed_day(as_of))

    def is_registered_at(self, as_of: datetime) -> bool:
        """Return True if the registration was before the instant, or on an unknown day."""
        day = self.dates.last_completed_day(as_of)
        return self.registered_day is None or self.registered_day <= day


def lacks_activity_stream(periods: Sequence[EnrolmentPeriod], as_of: datetime) -> bool:
    """Return True if the student has running courses and all of them lack an activity stream."""
    running = [period for period in periods if period.not_assessable_reason(as_of) is None]
    return bool(running) and not any(period.has_activity_stream_at(as_of) for period in running)


def last_ended_period(
    periods: Sequence[EnrolmentPeriod], as_of: datetime
) -> tuple[datetime, EnrolmentPeriod] | None:
    """Return the end of the enrolment that ended last, and the enrolment.

    None while an enrolment runs, and before any has ended. Enrolments with a later registration
    are ignored: they were not known at the instant.
    """
    known = [period for period in periods if period.is_registered_at(as_of)]
    if any(period.not_assessable_reason(as_of) is None for period in known):
        return None
    ends = [(period.ended_at(as_of), period) for period in known]
    ended = [(end, period) for end, period in ends if end is not None]
    return max(ended, key=lambda pair: (pair[0], pair[1].course), default=None)
