"""Training sets: enrolments of completed courses, at the end of days of these courses."""

from datetime import date, timedelta

import pytest

from dropout_service.database import DropoutDatabaseManager
from dropout_service.domain.enrolments.outcome_targets import Target
from dropout_service.domain.enums import CourseOutcome
from dropout_service.models import Course, Enrolment
from dropout_service.training_errors import CourseInProgress
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from tests.support.databases import engine_on

LENGTH = 60


@pytest.fixture
def manager(private_url: str) -> DropoutDatabaseManager:
    return DropoutDatabaseManager(Database.for_bind(engine_on(private_url)))


def add_course(manager: DropoutDatabaseManager, name: str, starts_on: date) -> None:
    """Store a course of 60 days with two enrolments, one withdrawn on day 40."""
    ends = {"ada": (CourseOutcome.PASS, None), "bob": (CourseOutcome.WITHDRAWN, 40)}
    for student in ends:
        manager.students.add(student)
    with manager.database.unit_of_work() as session:
        named = {"module": "art", "presentation": name}
        session.add(
            Course(id=f"art-{name}", starts_on=starts_on, length_days=LENGTH, digest=b"0", **named)
        )
        session.flush()
        for student, (outcome, day) in ends.items():
            session.add(
                Enrolment(
                    id=f"{student}-{name}",
                    student_id=student,
                    course_id=f"art-{name}",
                    outcome=outcome,
                    unregistered_day=day,
                    digest=b"0",
                )
            )


@pytest.mark.parametrize(
    ("day", "students"), [(28, ["ada", "bob"]), (LENGTH - 1, ["ada"]), (LENGTH, []), (112, [])]
)
def test_a_day_after_the_end_of_the_course_has_no_rows(
    manager: DropoutDatabaseManager, day: int, students: list[str]
) -> None:
    add_course(manager, "2013J", date(2013, 10, 1))

    rows = manager.training_sets.get_rows(day, ["art-2013J"], Target.WITHDRAWN)

    assert rows["student_id"].tolist() == students
    assert rows["label"].tolist() == [float(student == "bob") for student in students]


def test_a_running_course_is_rejected(manager: DropoutDatabaseManager) -> None:
    today = utc_now().date()
    add_course(manager, "over", today - timedelta(days=LENGTH + 1))
    add_course(manager, "runs", today - timedelta(days=LENGTH // 2))

    assert manager.training_sets.get_courses(["over"]) == ["art-over"]
    with pytest.raises(CourseInProgress, match="art-runs runs until"):
        manager.training_sets.get_courses(["over", "runs"])
