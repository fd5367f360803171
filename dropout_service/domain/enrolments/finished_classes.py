"""Finished classes of the roster, with known days and leavers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from dropout_service.domain.enrolments.class_calendar import MIN_LENGTH_DAYS
from dropout_service.domain.enrolments.course_calendar import CourseDates
from dropout_service.domain.enrolments.finished_courses import CoursesByState, StoredCourse
from dropout_service.domain.enrolments.outcome_targets import Target

# An enrolment on one of these days is no dropout: lists are cleared before the end.
LAST_DAYS = 14


@dataclass(frozen=True)
class StoredClass:
    """Class of the roster, and the number of assessable students ever enrolled in it.

    term: its last term. last_day: of its terms, or the day on which the class itself was ended.
    All three are None without a stored term.
    """

    id: str
    term: str | None
    starts_on: date | None
    last_day: date | None
    enrolments: int

    def as_course(self) -> StoredCourse | None:
        """Return the class as a course of its term; None without a stored term."""
        if self.term is None or self.starts_on is None or self.last_day is None:
            return None
        dates = CourseDates(self.starts_on, (self.last_day - self.starts_on).days + 1)
        return StoredCourse(self.id, self.term, dates, self.enrolments, self.enrolments)

    def unfinished_reason(self, target: Target, now: datetime) -> str | None:
        """Return the reason why no model is trained on the class, else None."""
        course = self.as_course()
        if course is None:
            return "is in no stored term"
        if reason := course.unfinished_reason(now):
            return reason
        if course.dates.length_days < MIN_LENGTH_DAYS:
            return f"ran for fewer than {MIN_LENGTH_DAYS} days"
        if target is not Target.WITHDRAWN:
            return "is a class of the roster, of which only the leavers are known"
        return None


def with_classes(
    courses: CoursesByState, classes: Sequence[StoredClass], target: Target, now: datetime
) -> CoursesByState:
    """Return the courses, and the classes by their state at the instant, each by id."""
    finished, left_out = list(courses.finished), dict(courses.left_out)
    for one in classes:
        course, reason = one.as_course(), one.unfinished_reason(target, now)
        if course is not None and reason is None:
            finished.append(course)
        elif reason is not None:
            left_out[one.id] = reason
    return CoursesByState(tuple(sorted(finished, key=lambda course: course.id)), left_out)
