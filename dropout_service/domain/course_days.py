"""Which day of a course an instant is, and whether there is anything to say of an enrolment."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

_LAST_SECOND = time(23, 59, 59, tzinfo=UTC)


@dataclass(frozen=True)
class Dates:
    """When a course is: its day 0, and for how many days."""

    starts_on: date
    length_days: int


def end_of_day(starts_on: date, day: int) -> datetime:
    """Return the last second (UTC) of a day of the course; day 0 is its first."""
    return datetime.combine(starts_on + timedelta(days=day), _LAST_SECOND)


def last_whole_day(starts_on: date, instant: datetime) -> int:
    """Return the last day of the course that was over by then; below 0 before its first was."""
    over = instant.astimezone(UTC) + timedelta(seconds=1)
    return (over.date() - starts_on).days - 1


def not_running(dates: Dates, day: int) -> str | None:
    """Return why nothing can be said at the end of that day, None while the course runs."""
    if day < 0:
        return f"the course begins on {dates.starts_on}, and its first day was not over"
    if day >= dates.length_days:
        over = dates.starts_on + timedelta(days=dates.length_days)
        return f"the course was over on {over}"
    return None


def not_enrolled(registered_day: int | None, unregistered_day: int | None, day: int) -> str | None:
    """Return why an enrolment is not to be judged at the end of that day, None where it is."""
    if unregistered_day is not None and unregistered_day <= day:
        return f"the student left the course on its day {unregistered_day}"
    if registered_day is not None and registered_day > day:
        return "the student was not registered by then"
    return None
