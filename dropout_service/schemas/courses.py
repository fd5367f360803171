"""Courses, as they are answered."""

from datetime import date

from pydantic import computed_field

from shared_web.requests.fields import Out


class CourseOut(Out):
    """A course; days count from `starts_on`, which is day 0.

    `activity_from` and `activity_until` are the days for which there is a stream of activity at
    all. Without one, activity is missing, not zero; without an end, it goes on.
    """

    id: str
    module: str
    presentation: str
    starts_on: date
    length_days: int
    enrolments: int
    still_registered: int
    activity_from: int | None
    activity_until: int | None

    @computed_field  # type: ignore[prop-decorator] # pydantic's way
    @property
    def has_activity(self) -> bool:
        """Whether there is a stream of activity."""
        return self.activity_from is not None
