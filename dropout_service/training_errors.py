"""Errors of the choice of courses to train models on."""

from datetime import datetime

from shared_db.errors import Conflict, NotFound


class PresentationNotFound(NotFound):
    """No course of a presentation is stored."""

    slug = "nothing-presented"
    title = "There is no course of this presentation"

    def __init__(self, presentation: str) -> None:
        super().__init__(
            f"No course, class or term is called {presentation}. Bring courses in first: veritas "
            "import oulad; or the roster with its terms: veritas import oneroster.",
            presentation=presentation,
        )


class NoFinishedCourse(Conflict):
    """No course of a presentation can be learned from, for other reasons than its end."""

    slug = "no-finished-course"
    title = "The presentation has no finished course"

    def __init__(self, presentation: str, course: str, reason: str) -> None:
        super().__init__(
            f"No course of {presentation} can be learned from or judged: {course} {reason}.",
            presentation=presentation,
        )


class CourseInProgress(Conflict):
    """A course to learn from is not over, so the outcomes of its enrolments are not known."""

    slug = "still-running"
    title = "The course is not over"

    def __init__(self, course: str, ends_at: datetime) -> None:
        super().__init__(
            f"{course} runs until {ends_at:%Y-%m-%d}: only courses that are over can be learned "
            "from or judged.",
            course=course,
        )
