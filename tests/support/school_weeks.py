"""Weeks of activity, marks that fell, and a pair at one concept, in the school of the pages."""

from datetime import timedelta

from dropout_service.database import EventToStore
from dropout_service.domain.enums import EventType
from shared_db.clock import utc_now
from tests.support.page_schools import CLASS, NAMES, PageSchool

TUTOR, LEARNER = "s001", "s005"


def fill_weeks(school: PageSchool) -> None:
    """Store what the page of the school shows of a class."""
    now = utc_now()
    school.dropout.events.add_many(
        [
            EventToStore(
                student,
                EventType.QUESTION_SUBMIT,
                question_id=f"q-{week}",
                course=CLASS,
                occurred_at=now - timedelta(weeks=week),
            )
            for week in range(2, 8)
            for student in NAMES
        ]
    )
    for student in NAMES:
        for days, score in ((10, 90), (2, 50)):
            _mark(school, student, "Art", score, days)
    for student, scores in ((TUTOR, (95, 96, 97)), (LEARNER, (40, 30, 20))):
        for days, score in zip((40, 35, 30), scores, strict=True):
            _mark(school, student, "Math", score, days, topic="sets")


def _mark(
    school: PageSchool, student: str, subject: str, score: int, days: int, topic: str | None = None
) -> None:
    at = utc_now() - timedelta(days=days)
    school.datastore.assessments.add(student, "quiz", subject, score, topic=topic, timestamp=at)
