"""Courses over HTTP with the predictions of their students, on both stores."""

from datetime import date, timedelta

import pytest
from httpx2 import Response
from sqlalchemy import text, update
from starlette.testclient import TestClient

from dropout_service.database import DropoutDatabaseManager
from dropout_service.domain.enums import CourseOutcome
from dropout_service.models import Course, Enrolment
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from tests.support.databases import become_owner
from tests.support.factories import NOON, days

COURSES = "/api/v1/courses"


def fill(manager: DropoutDatabaseManager) -> None:
    """Store two courses: ada is in both, bob left the first, cyd is in the first."""
    for name in ("ada", "bob", "cyd"):
        manager.students.add(name)
    rows = [
        Course(
            id=f"art-{year}",
            module="art",
            presentation=str(year),
            starts_on=date(year, 2, 1),
            length_days=600,
            activity_from=activity,
            digest=b"0",
        )
        for year, activity in ((2025, None), (2026, -10))
    ]
    withdrawn, none = CourseOutcome.WITHDRAWN, None
    enrolled = {
        ("ada", 2025): (none, none),
        ("bob", 2025): (withdrawn, 30),
        ("cyd", 2025): (none, none),
        ("ada", 2026): (withdrawn, none),
    }
    with manager.database.unit_of_work() as session:
        session.add_all(rows)
        session.flush()
        for (student, year), (outcome, day) in enrolled.items():
            session.add(
                Enrolment(
                    id=f"{student}-{year}",
                    student_id=student,
                    course_id=f"art-{year}",
                    outcome=outcome,
                    unregistered_day=day,
                    digest=b"0",
                )
            )


def predict(manager: DropoutDatabaseManager, student: str, course: str | None, risk: float) -> str:
    row = manager.predictions.add(None, student, "ENGAGEMENT", risk, as_of=NOON, course=course)
    return row.id


def items(client: TestClient, path: str, **query: str) -> list[tuple[str, str | None, float]]:
    answer = client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    found = answer.json()["items"]
    return [(one["student_id"], one["course"], one["risk_score"]) for one in found]


def test_courses_are_listed_with_their_enrolment_counts(
    dropout_client: TestClient, db_manager: DropoutDatabaseManager
) -> None:
    assert dropout_client.get(COURSES).json() == {"items": [], "next": None}
    fill(db_manager)

    first = dropout_client.get(COURSES, params={"limit": 1}).json()
    second = dropout_client.get(COURSES, params={"after": first["next"]}).json()

    assert first["items"] == [
        {
            "id": "art-2025",
            "module": "art",
            "presentation": "2025",
            "starts_on": "2025-02-01",
            "length_days": 600,
            "enrolments": 3,
            "still_registered": 2,
            "activity_from": None,
            "activity_until": None,
            "is_class": False,
            "source": "imported",
            "has_activity": False,
        }
    ]
    [other] = second["items"]
    assert (other["id"], other["enrolments"], other["still_registered"]) == ("art-2026", 1, 0)
    assert (other["has_activity"], second["next"]) == (True, None)


def test_risks_of_a_course_are_sorted(
    dropout_client: TestClient, db_manager: DropoutDatabaseManager
) -> None:
    fill(db_manager)
    for student, course, risk in (
        ("ada", "art-2025", 0.2),
        ("ada", "art-2026", 0.9),
        ("cyd", "art-2025", 0.7),
        ("bob", None, 0.5),
    ):
        predict(db_manager, student, course, risk)

    risks = f"{COURSES}/art-2025/risks"
    assert items(dropout_client, risks) == [("cyd", "art-2025", 0.7), ("ada", "art-2025", 0.2)]
    first = dropout_client.get(risks, params={"limit": 1}).json()
    assert items(dropout_client, risks, after=first["next"]) == [("ada", "art-2025", 0.2)]
    # A course without predictions has an empty list, not an error.
    with db_manager.database.unit_of_work() as session:
        session.add(
            Course(
                id="new",
                module="n",
                presentation="1",
                starts_on=date(2026, 1, 1),
                length_days=1,
                digest=b"0",
            )
        )
    assert items(dropout_client, f"{COURSES}/new/risks") == []


def test_a_students_overall_risk_is_the_highest_of_their_courses(
    dropout_client: TestClient, db_manager: DropoutDatabaseManager
) -> None:
    fill(db_manager)
    predict(db_manager, "ada", "art-2025", 0.9)
    predict(db_manager, "ada", "art-2026", 0.4)
    predict(db_manager, "cyd", "art-2025", 0.6)
    mine = "/api/v1/students/ada/predictions"

    assert items(dropout_client, "/api/v1/predictions") == [
        ("ada", "art-2025", 0.9),
        ("cyd", "art-2025", 0.6),
    ]
    assert items(dropout_client, "/api/v1/predictions", course="art-2026") == [
        ("ada", "art-2025", 0.9)
    ]
    assert dropout_client.get(f"{mine}/latest").json()["risk_score"] == 0.9
    in_course = dropout_client.get(f"{mine}/latest", params={"course": "art-2026"}).json()
    assert (in_course["course"], in_course["risk_score"]) == ("art-2026", 0.4)
    assert items(dropout_client, mine, course="art-2026") == [("ada", "art-2026", 0.4)]
    unknown = dropout_client.get(f"{mine}/latest", params={"course": "x"})
    assert (unknown.status_code, "of student ada in course x" in unknown.text) == (404, True)

    # A later prediction lowers the risk in one course, and so the highest risk.
    db_manager.predictions.add(
        None, "ada", "ENGAGEMENT", 0.1, as_of=NOON + days(1), course="art-2025"
    )
    assert dropout_client.get(f"{mine}/latest").json()["risk_score"] == 0.4
    assert len(items(dropout_client, mine)) == 3


def test_the_published_risk_is_the_highest(postgres: Database) -> None:
    manager = DropoutDatabaseManager(postgres)
    fill(manager)
    predict(manager, "ada", "art-2025", 0.3)
    predict(manager, "ada", "art-2026", 0.8)
    predict(manager, "ada", None, 0.5)

    with postgres.reading() as session:
        rows = session.execute(text("SELECT student_id, risk_score FROM dropout.published_risk"))
        assert rows.all() == [("ada", pytest.approx(0.8))]


def test_a_replay_gets_the_same_answer_after_the_end_of_the_course(
    dropout_client: TestClient, db_manager: DropoutDatabaseManager
) -> None:
    fill(db_manager)
    began = utc_now() - timedelta(days=30)
    db_manager.events.add(None, "ada", "q1", "QUESTION_SUBMIT", occurred_at=began)
    running = update(Course).values(starts_on=began.date(), length_days=300)
    with db_manager.database.unit_of_work() as session:
        become_owner(session)
        session.execute(running)

    def ask(key: str) -> Response:
        body, headers = {"course": "art-2025"}, {"Idempotency-Key": key}
        path = "/api/v1/students/ada/predictions"
        return dropout_client.post(path, json=body, headers=headers)

    first = ask("once")
    with db_manager.database.unit_of_work() as session:
        become_owner(session)
        session.execute(running.values(length_days=5))
    again, new = ask("once"), ask("another")

    assert (first.status_code, new.status_code) == (201, 422), first.text
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotent-Replay"] == "true"
