"""Courses: which there are, and how many are enrolled."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, func, or_, select

from dropout_service.domain.enums import CourseOutcome
from dropout_service.models import Course, Enrolment
from shared_db.queries.pagination import Keyset, Page
from shared_db.repository import Repository

COURSES_BY_ID = Keyset("courses", (Course.id,))


@dataclass(frozen=True)
class CourseSummary:
    """A course, how many ever enrolled, and of how many nothing says that they left.

    activity_from, activity_until: the days of the course (0 is its first) that its stream of
    activity covers; both none without one, the latter where it goes on.
    """

    id: str
    module: str
    presentation: str
    starts_on: date
    length_days: int
    activity_from: int | None
    activity_until: int | None
    enrolments: int
    still_registered: int


class Courses(Repository):
    """The courses that were brought in."""

    def get_courses(self, *, after: str | None = None, limit: int = 100) -> Page[CourseSummary]:
        """Return courses by id, following the cursor `after`; those known from events are none.

        Raises:
            MalformedCursor: the cursor is not one of this list.

        """
        with self.database.reading() as session:
            rows, following = COURSES_BY_ID.rows(session, _summaries(), after=after, limit=limit)
        return Page([CourseSummary(*row[:-1]) for row in rows], following)


def _summaries() -> Select[*tuple[Any, ...]]:
    is_theirs = Enrolment.course_id == Course.id
    count = select(func.count()).where(is_theirs)
    is_there = Enrolment.unregistered_day.is_(None) & or_(
        Enrolment.outcome.is_(None), Enrolment.outcome != CourseOutcome.WITHDRAWN
    )
    return select(
        Course.id,
        Course.module,
        Course.presentation,
        Course.starts_on,
        Course.length_days,
        Course.activity_from,
        Course.activity_until,
        count.scalar_subquery(),
        count.where(is_there).scalar_subquery(),
    )
