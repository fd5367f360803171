"""Overall risk and lists when students leave and courses end, on both stores."""

from datetime import date, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from dropout_service.database import DropoutDatabaseManager
from dropout_service.models import Course, Enrolment
from tests.support.factories import NOON, days

RISKS = "/api/v1/courses/art/risks"
PREDICTIONS = "/api/v1/predictions"


@pytest.fixture
def school(db_manager: DropoutDatabaseManager) -> DropoutDatabaseManager:
    """Store art (of 100 days) and later math, and ada and bob, who leaves art on its day 30."""
    for name in ("ada", "bob"):
        db_manager.students.add(name)
    with db_manager.database.unit_of_work() as session:
        for name, starts_on in (("art", NOON.date()), ("math", NOON.date() + days(80))):
            session.add(a_course(name, starts_on))
        session.flush()
        for student, course, left in (
            ("ada", "art", None),
            ("bob", "art", 30),
            ("ada", "math", None),
            ("bob", "math", None),
        ):
            session.add(
                Enrolment(
                    id=f"{student}-{course}",
                    student_id=student,
                    course_id=course,
                    unregistered_day=left,
                    digest=b"0",
                )
            )
    return db_manager


def a_course(name: str, starts_on: date) -> Course:
    return Course(
        id=name,
        module=name,
        presentation="1",
        starts_on=starts_on,
        length_days=100,
        digest=b"0",
    )


def predict(
    manager: DropoutDatabaseManager, student: str, course: str, risk: float, day: int
) -> None:
    manager.predictions.add(None, student, "SILENT", risk, as_of=NOON + days(day), course=course)


def items(client: TestClient, path: str) -> list[tuple[str, str | None, float]]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    found = answer.json()["items"]
    return [(one["student_id"], one["course"], one["risk_score"]) for one in found]


def standing(client: TestClient, at: datetime) -> dict[str, Any]:
    answer = client.get(
        "/api/v1/analytics/summary", params={"at": at.isoformat(), "periods": 1, "days": 1}
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_predictions_of_withdrawn_students_are_superseded(
    dropout_client: TestClient, school: DropoutDatabaseManager
) -> None:
    predict(school, "ada", "art", 0.2, day=20)
    predict(school, "bob", "art", 0.9, day=20)
    school.batch_predictions.supersede_withdrawn("art", NOON + days(25))
    assert items(dropout_client, RISKS) == [("bob", "art", 0.9), ("ada", "art", 0.2)]

    school.batch_predictions.supersede_withdrawn("art", NOON + days(40))

    assert items(dropout_client, RISKS) == [("ada", "art", 0.2)]
    assert items(dropout_client, PREDICTIONS) == [("ada", "art", 0.2)]
    # The predictions are still stored, and count at an earlier instant.
    assert items(dropout_client, "/api/v1/students/bob/predictions") == [("bob", "art", 0.9)]
    assert standing(dropout_client, NOON + days(39))["standings"][0]["levels"]["CRITICAL"] == 1
    assert standing(dropout_client, NOON + days(40))["standings"][0]["predicted"] == 1


def test_an_earlier_prediction_does_not_reactivate_a_withdrawn_student(
    dropout_client: TestClient, school: DropoutDatabaseManager
) -> None:
    predict(school, "bob", "art", 0.9, day=20)
    school.batch_predictions.supersede_withdrawn("art", NOON + days(40))

    predict(school, "bob", "art", 0.8, day=10)
    assert items(dropout_client, RISKS) == []
    # A later prediction means that the student registered again.
    predict(school, "bob", "art", 0.7, day=50)
    assert items(dropout_client, RISKS) == [("bob", "art", 0.7)]


def test_a_course_that_is_over_does_not_count_if_there_is_a_newer_prediction(
    dropout_client: TestClient, school: DropoutDatabaseManager
) -> None:
    predict(school, "ada", "art", 0.9, day=95)
    predict(school, "ada", "math", 0.1, day=98)
    assert items(dropout_client, PREDICTIONS) == [("ada", "art", 0.9)]

    predict(school, "ada", "math", 0.2, day=105)

    assert items(dropout_client, PREDICTIONS) == [("ada", "math", 0.2)]
    assert items(dropout_client, RISKS) == [("ada", "art", 0.9)]
    assert standing(dropout_client, NOON + days(99))["standings"][0]["levels"]["CRITICAL"] == 1
    assert standing(dropout_client, NOON + days(105))["standings"][0]["levels"]["LOW"] == 1


def test_the_summary_counts_the_highest_risk_among_the_courses_of_a_student(
    dropout_client: TestClient, school: DropoutDatabaseManager
) -> None:
    """The order of inserts does not matter for predictions of the same instant."""
    for student, courses in (("ada", ("art", "math")), ("bob", ("math", "art"))):
        for course in courses:
            predict(school, student, course, 0.9 if course == "art" else 0.1, day=90)

    summary = standing(dropout_client, NOON + days(90))

    assert summary["standings"][0]["levels"]["CRITICAL"] == 2
    assert summary["newly_at_risk_count"] == 2
    assert {one["risk_score"] for one in summary["newly_at_risk"]} == {0.9}
