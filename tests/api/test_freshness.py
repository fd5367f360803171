"""Freshness of the data of courses, on both stores."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from dropout_service.database import DropoutDatabaseManager, EventToStore
from dropout_service.domain.enums import EventType
from dropout_service.domain.freshness import is_stale_by_due_days, is_stale_by_gaps
from dropout_service.models import Course, Coursework, Enrolment, Submission
from shared_db.clock import utc_now
from tests.support.factories import days

FRESHNESS = "/api/v1/freshness"
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def see(manager: DropoutDatabaseManager, course: str, *ago: int) -> None:
    events = [
        EventToStore("ada", EventType.NAVIGATION, course=course, occurred_at=utc_now() - days(back))
        for back in ago
    ]
    manager.events.add_many(events)


def items(client: TestClient, **query: Any) -> dict[tuple[str, str], dict[str, Any]]:
    answer = client.get(FRESHNESS, params=query)
    assert answer.status_code == 200, answer.text
    return {(one["course"], one["kind"]): one for one in answer.json()["items"]}


def add_course(manager: DropoutDatabaseManager, id_: str, length_days: int) -> None:
    starts_on = (utc_now() - timedelta(days=60)).date()
    row = {"module": id_, "presentation": "1", "starts_on": starts_on, "digest": b"0"}
    with manager.database.unit_of_work() as session:
        session.add(Course(id=id_, length_days=length_days, **row))


def test_events_are_stale_after_three_median_gaps(
    dropout_client: TestClient, db_manager: DropoutDatabaseManager
) -> None:
    add_course(db_manager, "over", length_days=30)
    see(db_manager, "daily", *range(10, 20))
    see(db_manager, "weekly", *range(10, 60, 7))
    see(db_manager, "few", 10, 11)
    see(db_manager, "over", *range(35, 45))

    found = items(dropout_client)

    stale = {course: found[course, "events"]["is_stale"] for course in ("daily", "weekly", "few")}
    assert stale == {"daily": True, "weekly": False, "few": None}
    assert found["over", "events"]["is_stale"] is False
    last = datetime.fromisoformat(found["daily", "events"]["last_occurred_at"])
    assert last.date() == (utc_now() - days(10)).date()
    assert found["daily", "predictions"]["last_occurred_at"] is None


def test_predictions_and_submissions_have_their_last_instants(
    dropout_client: TestClient, db_manager: DropoutDatabaseManager
) -> None:
    db_manager.students.add("ada")
    add_course(db_manager, "art", length_days=300)
    row = {"digest": b"0"}
    with db_manager.database.unit_of_work() as session:
        session.add(Enrolment(id="ada", student_id="ada", course_id="art", **row))
        for id_, due in (("w1", 10), ("w2", 50)):
            work = {"type": "TMA", "due_day": due, "weight": 50.0, "is_exam": False}
            session.add(Coursework(id=id_, course_id="art", **work, **row))
        session.flush()
        done = {"submitted_day": 11, "is_banked": False}
        session.add(Submission(id="ada", coursework_id="w1", enrolment_id="ada", **done, **row))
    as_of = utc_now() - days(20)
    db_manager.predictions.add("p", "ada", "SILENT", 0.5, as_of=as_of, course="art")

    found = items(dropout_client)

    assert found["art", "submissions"]["is_stale"] is True
    predictions = found["art", "predictions"]
    assert datetime.fromisoformat(predictions["last_occurred_at"]) == as_of
    assert datetime.fromisoformat(predictions["last_received_at"]) > as_of
    assert predictions["is_stale"] is None


def test_marks_and_enrolments_have_their_last_instants(
    dropout_client: TestClient, db_manager: DropoutDatabaseManager
) -> None:
    db_manager.students.add("ada")
    add_course(db_manager, "art", length_days=300)
    with db_manager.database.unit_of_work() as session:
        begin = {"registered_day": 5, "digest": b"0"}
        session.add(Enrolment(id="ada", student_id="ada", course_id="art", **begin))
    at = utc_now() - days(20)
    for back in range(5):
        db_manager.assessments.add(
            "ada", "quiz", "Art", 50, course="art", submitted_at=at - days(back)
        )

    found = items(dropout_client)

    marks, enrolments = found["art", "marks"], found["art", "enrolments"]
    assert (datetime.fromisoformat(marks["last_occurred_at"]), marks["is_stale"]) == (at, True)
    assert datetime.fromisoformat(marks["last_received_at"]) > at
    assert enrolments["last_occurred_at"][:10] == str((utc_now() - days(55)).date())
    assert (enrolments["last_received_at"], enrolments["is_stale"]) == (None, None)


def test_the_list_has_pages_of_courses(
    dropout_client: TestClient, db_manager: DropoutDatabaseManager
) -> None:
    for course in ("a", "b"):
        see(db_manager, course, 1)

    first = dropout_client.get(FRESHNESS, params={"limit": 1}).json()
    second = dropout_client.get(FRESHNESS, params={"limit": 1, "after": first["next"]}).json()

    assert {one["course"] for one in first["items"]} == {"a"}
    assert ({one["course"] for one in second["items"]}, second["next"]) == ({"b"}, None)


@pytest.mark.parametrize(
    ("ago", "is_stale"),
    [
        ([0, 1, 2, 3], None),
        ([3, 4, 5, 6, 7], False),
        ([4, 5, 6, 7, 8], True),
        ([20, 27, 34, 41, 48], False),
        ([22, 29, 36, 43, 50], True),
    ],
)
def test_three_days_or_three_median_gaps_are_allowed(ago: list[int], is_stale: bool | None) -> None:
    assert is_stale_by_gaps([NOW - days(back) for back in ago], NOW) is is_stale


@pytest.mark.parametrize(
    ("last", "due", "is_stale"),
    [(None, [], None), (None, [28], None), (None, [27], True), (27, [27], False), (20, [9], False)],
)
def test_work_due_after_the_last_submission_is_stale(
    last: int | None, due: list[int], is_stale: bool | None
) -> None:
    assert is_stale_by_due_days(last, due, today=30) is is_stale
