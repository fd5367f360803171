"""Which day of a course an instant is, and whether there is anything to say of an enrolment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

_LAST_SECOND = time(23, 59, 59, tzinfo=UTC)
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Dates:
    """When a course is: its day 0, and for how many days."""

    starts_on: date
    length_days: int

    def closed_on(self, day: int) -> str | None:
        """Return why nothing can be said at the end of that day, None while the course runs."""
        if day < 0:
            return f"the course begins on {self.starts_on}, and its first day was not over"
        if day >= self.length_days:
            return f"the course was over on {self.starts_on + timedelta(days=self.length_days)}"
        return None

    def is_over_at(self, as_of: datetime) -> bool:
        """Tell whether the course was over by then."""
        return self.last_whole_day(as_of) >= self.length_days

    def last_whole_day(self, instant: datetime) -> int:
        """Return the last day that was over by then; below 0 before the first was.

        A day (UTC) is over from its last second on.
        """
        over = instant.astimezone(UTC) + timedelta(seconds=1)
        return (over.date() - self.starts_on).days - 1

    def day_of(self, epoch_day: int) -> int:
        """Return which day of the course a day (UTC, since 1970-01-01) is."""
        return epoch_day - (self.starts_on - _EPOCH).days

    def end_of(self, day: int) -> datetime:
        """Return the last second (UTC) of a day; day 0 is the first."""
        return datetime.combine(self.starts_on + timedelta(days=day), _LAST_SECOND)


def not_enrolled(registered_day: int | None, unregistered_day: int | None, day: int) -> str | None:
    """Return why an enrolment is not to be judged at the end of that day, None where it is."""
    if unregistered_day is not None and unregistered_day <= day:
        return f"the student left the course on its day {unregistered_day}"
    if registered_day is not None and registered_day > day:
        return "the student was not registered by then"
    return None


@dataclass(frozen=True)
class EnrolmentPeriod:
    """One enrolment: in which course, and for which of its days.

    activity_from, activity_until: the days that the course's stream of activity covers; both None
    without one, the latter where it goes on.
    """

    course: str
    dates: Dates
    registered_day: int | None
    unregistered_day: int | None
    activity_from: int | None = None
    activity_until: int | None = None

    def closed_at(self, as_of: datetime) -> str | None:
        """Return why the enrolment is not to be judged at the instant, None where it is."""
        day = self.dates.last_whole_day(as_of)
        left = not_enrolled(self.registered_day, self.unregistered_day, day)
        return self.dates.closed_on(day) or left

    def ended_by(self, as_of: datetime) -> datetime | None:
        """Return when the student left or the course was over, None where neither is so yet."""
        day = self.dates.last_whole_day(as_of)
        if self.unregistered_day is not None and self.unregistered_day <= day:
            return self.dates.end_of(self.unregistered_day)
        is_over = self.dates.is_over_at(as_of)
        return self.dates.end_of(self.dates.length_days - 1) if is_over else None

    def has_stream_on(self, day: int) -> bool:
        """Tell whether the course's stream of activity covers a day of it."""
        if self.activity_from is None or day < self.activity_from:
            return False
        return self.activity_until is None or day <= self.activity_until

    def has_stream_at(self, as_of: datetime) -> bool:
        """Tell whether the course's stream of activity covers its last whole day by then."""
        return self.has_stream_on(self.dates.last_whole_day(as_of))

    def is_known_at(self, as_of: datetime) -> bool:
        """Tell whether the student was registered by then, or on a day that is not known."""
        day = self.dates.last_whole_day(as_of)
        return self.registered_day is None or self.registered_day <= day


def is_out_of_sight(stays: Sequence[EnrolmentPeriod], as_of: datetime) -> bool:
    """Tell whether the student is in courses that run, of none of which activity is kept."""
    running = [stay for stay in stays if stay.closed_at(as_of) is None]
    return bool(running) and not any(stay.has_stream_at(as_of) for stay in running)


def last_ended(
    stays: Sequence[EnrolmentPeriod], as_of: datetime
) -> tuple[datetime, EnrolmentPeriod] | None:
    """Return the stay that ended last, and when; None where one runs, or none has ended.

    What was registered for later is not known at the instant.
    """
    known = [stay for stay in stays if stay.is_known_at(as_of)]
    if any(stay.closed_at(as_of) is None for stay in known):
        return None
    ends = [(stay.ended_by(as_of), stay) for stay in known]
    ended = [(end, stay) for end, stay in ends if end is not None]
    return max(ended, key=lambda one: (one[0], one[1].course), default=None)
