"""Calendar of a class of the roster: its days, and the enrolments of its students. Days are UTC."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from dropout_service.domain.enrolments.course_calendar import CourseDates

# In a shorter class there is hardly a day on which a student could leave.
MIN_LENGTH_DAYS = 28
NOT_ENROLLED = "the student is not enrolled in the course"


@dataclass(frozen=True)
class ClassEnrolment:
    """Enrolment in a class.

    valid_from: first day, None: always. valid_to: first day on which it is over, None: no end.
    """

    valid_from: date | None
    valid_to: date | None

    def holds_on(self, day: date) -> bool:
        """Return True if the student is enrolled on the day."""
        has_begun = self.valid_from is None or self.valid_from <= day
        return has_begun and (self.valid_to is None or self.valid_to > day)


@dataclass(frozen=True)
class RosterClass:
    """Class of the roster, with the first and the last day of its terms if these are known.

    ended_at: the instant at which the class itself was ended. subjects: those whose marks count.
    """

    id: str
    starts_on: date | None
    ends_on: date | None
    ended_at: datetime | None
    subjects: tuple[str, ...]

    @property
    def judged_dates(self) -> CourseDates | None:
        """Dates of the terms; None if these are unknown, or too short for a model."""
        if self.starts_on is None or self.ends_on is None:
            return None
        dates = CourseDates(self.starts_on, (self.ends_on - self.starts_on).days + 1)
        return dates if dates.length_days >= MIN_LENGTH_DAYS else None

    def not_running_reason(self, as_of: datetime) -> str | None:
        """Return the reason why the class does not run at the instant, else None."""
        day = utc_date(as_of)
        if self.starts_on is not None and day < self.starts_on:
            return f"the course begins on {self.starts_on}"
        if self.ends_on is not None and day > self.ends_on:
            return f"the course was over on {self.ends_on + timedelta(days=1)}"
        if self.ended_at is not None and self.ended_at <= as_of:
            return f"the course was ended on {utc_date(self.ended_at)}"
        return None


def utc_date(instant: datetime) -> date:
    """Return the day (UTC) of an instant."""
    return instant.astimezone(UTC).date()


def absence_reason(enrolments: Sequence[ClassEnrolment], day: date) -> str | None:
    """Return the reason why the student is not in the class on the day, else None."""
    if any(one.holds_on(day) for one in enrolments):
        return None
    ends = [one.valid_to for one in enrolments if one.valid_to is not None and one.valid_to <= day]
    if ends:
        return f"the student left the course on {max(ends)}"
    return "the student was not registered by then" if enrolments else NOT_ENROLLED
