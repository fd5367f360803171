"""Activity and work of a student in courses, on both stores."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from dropout_service.database import DropoutDatabaseManager, EventToStore
from dropout_service.domain.activity_buckets import (
    Bucket,
    Span,
    buckets_of,
    course_activity,
)
from dropout_service.domain.enums import EventType
from dropout_service.models import Course, Coursework, Enrolment, Submission
from tests.support.databases import become_owner
from tests.support.factories import NOON, days

API = "/api/v1"
STUDENTS = ("ada", "bob", "cyd", "dan", "eve")
MONDAY = NOON.date() - timedelta(days=NOON.weekday())
NOON_OF_MONDAY = NOON - timedelta(days=NOON.weekday())
DIGEST = {"digest": b"0"}


@pytest.fixture
def manager(db_manager: DropoutDatabaseManager) -> DropoutDatabaseManager:
    """Give the manager, with a course of five students from a Monday on, and set work."""
    for student in STUDENTS:
        db_manager.students.add(student)
    course = {"module": "art", "presentation": "1", "starts_on": MONDAY, "length_days": 28}
    works = [("w1", "TMA", 5, False), ("w2", "TMA", 9, False), ("w3", "Exam", 20, True)]
    with db_manager.database.unit_of_work() as session:
        session.add(Course(id="art", activity_from=0, **course, **DIGEST))
        session.flush()
        for id_, type_, due, is_exam in works:
            row = {"type": type_, "due_day": due, "weight": 50.0, "is_exam": is_exam}
            session.add(Coursework(id=id_, course_id="art", **row, **DIGEST))
        for student in STUDENTS:
            session.add(Enrolment(id=student, student_id=student, course_id="art", **DIGEST))
        session.flush()
        for id_, day, score, is_banked in (("ada", 7, 80.0, False), ("bob", -5, 60.0, True)):
            done = {"submitted_day": day, "score": score, "is_banked": is_banked}
            session.add(Submission(id=id_, coursework_id="w1", enrolment_id=id_, **done, **DIGEST))
    return db_manager


def see(manager: DropoutDatabaseManager, student: str, *on_days: int, course: str = "art") -> None:
    events = [
        EventToStore(
            student, EventType.NAVIGATION, course=course, occurred_at=NOON_OF_MONDAY + days(day)
        )
        for day in on_days
    ]
    manager.events.add_many(events)


def get(client: TestClient, path: str, **query: Any) -> dict[str, Any]:
    answer = client.get(f"{API}/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def active(found: dict[str, Any], *fields: str) -> list[tuple[Any, ...]]:
    return [tuple(one[name] for name in fields) for one in found["items"]]


def test_activity_by_week_stands_beside_the_quartiles_of_the_course(
    dropout_client: TestClient, manager: DropoutDatabaseManager
) -> None:
    see(manager, "ada", 0, 2, 8)
    for at, student in enumerate(STUDENTS[1:]):
        see(manager, student, *range(at + 1))

    found = get(dropout_client, "students/ada/activity", course="art")

    assert (found["course"], found["bucket"], len(found["items"])) == ("art", "1w", 4)
    fields = ("active_days", "events", "course_low", "course_median", "course_high")
    assert active(found, *fields)[:3] == [(2, 2, 2, 2, 3), (1, 1, 0, 0, 0), (0, 0, 0, 0, 0)]
    assert found["items"][1]["begins_on"] == str(MONDAY + timedelta(days=7))
    assert found["items"][0]["course_students"] == 5


def test_activity_by_day_and_between_days(
    dropout_client: TestClient, manager: DropoutDatabaseManager
) -> None:
    see(manager, "ada", 0, 2)
    span = {"from": str(MONDAY + timedelta(days=1)), "until": str(MONDAY + timedelta(days=2))}

    found = get(dropout_client, "students/ada/activity", course="art", bucket="1d", **span)

    assert active(found, "begins_on", "active_days") == [(span["from"], 0), (span["until"], 1)]


def test_unknown_activity_is_null(
    dropout_client: TestClient, manager: DropoutDatabaseManager
) -> None:
    with manager.database.unit_of_work() as session:
        become_owner(session)
        session.execute(update(Course).values(activity_until=6))

    found = get(dropout_client, "students/ada/activity", course="art")
    everything = get(dropout_client, "students/ada/activity")

    assert active(found, "active_days")[:2] == [(0,), (None,)]
    assert active(found, "course_median")[1] == (None,)
    assert (everything["course"], len(everything["items"])) == (None, 26)
    assert set(active(everything, "active_days", "course_students")) == {(None, None)}


def test_a_course_of_few_students_has_no_quartiles(
    dropout_client: TestClient, manager: DropoutDatabaseManager
) -> None:
    see(manager, "ada", 0, 1, course="chess")
    span = {"from": str(MONDAY), "until": str(MONDAY + timedelta(days=6))}

    found = get(dropout_client, "students/ada/activity", course="chess", **span)

    assert active(found, "active_days", "course_median", "course_students") == [(2, None, None)]


def test_set_work_is_listed_by_its_due_day(
    dropout_client: TestClient, manager: DropoutDatabaseManager
) -> None:
    see(manager, "ada", 0, course="chess")

    found = get(dropout_client, "courses/art/assessments")

    assert active(found, "id", "title", "type", "weight") == [
        ("w1", "TMA 1", "TMA", 50),
        ("w2", "TMA 2", "TMA", 50),
        ("w3", "Exam", "Exam", 50),
    ]
    assert found["items"][0]["due_on"] == str(MONDAY + timedelta(days=5))
    assert get(dropout_client, "courses/chess/assessments") == {"items": [], "next": None}
    assert dropout_client.get(f"{API}/courses/none/assessments").status_code == 404


@pytest.mark.usefixtures("manager")
def test_submissions_have_a_state(dropout_client: TestClient) -> None:
    def states(student: str) -> list[tuple[Any, ...]]:
        found = get(dropout_client, f"students/{student}/submissions", course="art")
        return active(found, "assessment_id", "state", "percentage")

    assert states("ada") == [("w1", "late", 80), ("w2", "missing", None)]
    assert states("bob") == [("w1", "excused", 60), ("w2", "missing", None)]
    of_all = get(dropout_client, "students/ada/submissions")
    assert of_all == get(dropout_client, "students/ada/submissions", course="art")
    assert of_all["items"][0]["submitted_on"] == str(MONDAY + timedelta(days=7))


@pytest.mark.usefixtures("manager")
def test_work_due_after_leaving_is_left_out(
    dropout_client: TestClient, db_manager: DropoutDatabaseManager
) -> None:
    with db_manager.database.unit_of_work() as session:
        become_owner(session)
        session.execute(update(Enrolment).values(unregistered_day=8))

    found = get(dropout_client, "students/cyd/submissions", course="art")

    assert active(found, "assessment_id", "state") == [("w1", "missing")]


@pytest.mark.parametrize(
    "query",
    [
        {"from": "1969-01-01"},
        {"until": "0001-01-01"},
        {"from": "2026-02-01", "until": "2026-01-31"},
        {"from": "2025-01-01", "until": "2026-01-01", "bucket": "1d"},
        {"from": "1990-01-01"},
        {"bucket": "2w"},
    ],
)
@pytest.mark.usefixtures("manager")
def test_wrong_days_are_refused(dropout_client: TestClient, query: dict[str, str]) -> None:
    answer = dropout_client.get(f"{API}/students/ada/activity", params=query)

    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize("path", ["activity", "submissions"])
def test_unknown_students_and_courses_are_absent(dropout_client: TestClient, path: str) -> None:
    assert dropout_client.get(f"{API}/students/none/{path}").status_code == 404
    dropout_client.post(f"{API}/students", json={"id": "ada"})
    answer = dropout_client.get(f"{API}/students/ada/{path}", params={"course": "none"})
    assert (answer.status_code, answer.json()["type"].split(":")[-1]) == (404, "course-not-found")


def test_only_students_enrolled_then_count() -> None:
    monday = date(2026, 1, 5)
    spans = {str(n): [Span(monday, monday + timedelta(days=n))] for n in range(7)}
    active_days = {student: {monday: 3} for student in spans}
    course = course_activity(Bucket.WEEK, spans, active_days)

    first, second = buckets_of(
        Bucket.WEEK, (monday, monday + timedelta(days=9)), Span(), {}, course
    )

    assert (first.course_median, first.course_students) == (3, 7)
    assert (second.course_median, second.course_students) == (None, None)
