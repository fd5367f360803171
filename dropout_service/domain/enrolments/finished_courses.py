"""Finished courses: those with known outcomes, and the presentations that they make up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dropout_service.domain.enrolments.course_calendar import CourseDates

# Stayers often get their outcome last: with fewer, leavers would be far too common.
MIN_OUTCOME_SHARE = 0.9


@dataclass(frozen=True)
class StoredCourse:
    """Course with the numbers of its enrolments, and of those whose outcome is stored."""

    id: str
    presentation: str
    dates: CourseDates
    enrolments: int
    with_outcome: int

    @property
    def over_on(self) -> date:
        """First day (UTC) on which the course is over."""
        return self.dates.starts_on + timedelta(days=self.dates.length_days)

    def unfinished_reason(self, now: datetime) -> str | None:
        """Return the reason why the course is not finished at the instant, else None.

        A course is finished once its last day (UTC) has passed, and the outcome of nine tenths of
        its enrolments is stored.
        """
        if not self.dates.is_over_at(now):
            return f"runs until {self.over_on - timedelta(days=1)}"
        if not self.enrolments:
            return "has no enrolments"
        if self.with_outcome < MIN_OUTCOME_SHARE * self.enrolments:
            return f"has an outcome for {self.with_outcome} of {self.enrolments} enrolments"
        return None


@dataclass(frozen=True)
class CoursesByState:
    """Finished courses by id, and the reasons of the others by id; classes are courses too."""

    finished: tuple[StoredCourse, ...]
    left_out: dict[str, str]

    @property
    def ids(self) -> list[str]:
        """Ids of the finished courses, sorted."""
        return [course.id for course in self.finished]

    @property
    def presentations(self) -> list[str]:
        """Presentations of the finished courses, sorted."""
        return sorted({course.presentation for course in self.finished})

    def of_presentations(self, presentations: Sequence[str]) -> list[str]:
        """Return the ids of the finished courses of these presentations, sorted."""
        return [course.id for course in self.finished if course.presentation in presentations]

    @property
    def latest_presentation(self) -> str | None:
        """The presentation whose last finished course started last; None without any."""
        starts = {
            name: max(one.dates.starts_on for one in self.finished if one.presentation == name)
            for name in self.presentations
        }
        return max(starts, key=lambda name: (starts[name], name), default=None)


def courses_by_state(courses: Sequence[StoredCourse], now: datetime) -> CoursesByState:
    """Return which courses are finished at the instant, and why the others are not."""
    reasons = {course.id: course.unfinished_reason(now) for course in courses}
    left_out = {id_: reason for id_, reason in reasons.items() if reason is not None}
    return CoursesByState(tuple(one for one in courses if one.id not in left_out), left_out)
