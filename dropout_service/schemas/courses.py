"""Bodies of courses."""

from datetime import date

from pydantic import computed_field

from dropout_service.domain.enums import CourseSource
from shared_web.requests.fields import Out


class CourseOut(Out):
    """Course; days count from `starts_on`, which is day 0.

    `activity_from` and `activity_until` are the first and last day of the stream of activity.
    Without a stream, activity is missing, not zero; a stream without a last day goes on. A class of
    the roster is the course of its id; its dates are those of its terms, null if it has none.
    `source`: imported, a class of the roster, or known from events alone: without dates and
    enrolments.
    """

    id: str
    module: str
    presentation: str
    starts_on: date | None
    length_days: int | None
    enrolments: int
    still_registered: int
    activity_from: int | None
    activity_until: int | None
    is_class: bool
    source: CourseSource

    @computed_field  # type: ignore[prop-decorator] # as pydantic documents it
    @property
    def has_activity(self) -> bool:
        """True if there is a stream of activity."""
        return self.activity_from is not None


class StudentActivityOut(Out):
    """Activity of a student in a course; `active_days` has a number for each of the `weeks`.

    Null: activity is not known then, or the course sets no coursework.
    """

    student_id: str
    active_days: list[int | None]
    due: int | None
    handed_in: int | None


class CourseActivityOut(Out):
    """Activity of students of a course; `weeks` are Mondays, `until` is the last day that counts.

    `due` and `handed_in` are pieces of coursework due by that day.
    """

    course: str
    until: date
    weeks: list[date]
    items: list[StudentActivityOut]


class WeeklyActivityOut(Out):
    """Students of a course who were active in each of the `weeks`; null: not known.

    `students`: those in the course today. With fewer than 5 all figures are null.
    """

    course: str
    students: int | None
    active: list[int | None]


class CourseWeeksOut(Out):
    """Activity in courses by week; `weeks` are Mondays, the last one is of the present week."""

    weeks: list[date]
    until: date
    items: list[WeeklyActivityOut]
