"""Freshness of the school's data over HTTP, on both stores."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from shared_db.clock import utc_now
from staffstuddash_service.datastore import AssessmentToStore, DatastoreManager
from tests.support.factories import a_draft, a_student, an_action

FRESHNESS = "/api/v1/freshness"


def kinds(client: TestClient) -> dict[str, dict[str, Any]]:
    answer = client.get(FRESHNESS)
    assert answer.status_code == 200, answer.text
    return {item["kind"]: item for item in answer.json()["items"]}


def test_a_school_without_data_knows_nothing(staffstuddash_client: TestClient) -> None:
    answer = staffstuddash_client.get(FRESHNESS).json()

    assert [item["kind"] for item in answer["items"]] == [
        "students",
        "roster",
        "marks",
        "drafts",
        "actions",
    ]
    for item in answer["items"]:
        assert set(item.values()) == {item["kind"], None}
    assert (answer["waiting"], answer["refused"]) == (0, 0)


def test_the_last_rows_of_each_kind_are_named(staffstuddash_client: TestClient) -> None:
    client = staffstuddash_client
    student = client.post("/api/v1/students", json=a_student()).json()
    course = client.put("/api/v1/courses/math", json={"title": "Math"}).json()
    draft = client.post("/api/v1/students/s001/drafts", json=a_draft()).json()
    action = client.post("/api/v1/students/s001/actions", json=an_action()).json()
    found = kinds(client)

    assert found["students"]["last_received_at"] == student["updated_at"]
    assert found["roster"]["last_received_at"] == course["updated_at"]
    assert found["drafts"]["last_occurred_at"] == draft["timestamp"]
    assert found["drafts"]["is_stale"] is None
    assert found["actions"]["last_occurred_at"] == action["timestamp"]


@pytest.mark.parametrize(("age", "stale"), [(1, False), (5, True)])
def test_marks_that_stopped_coming_are_stale(
    staffstuddash_client: TestClient,
    datastore: DatastoreManager,
    age: int,
    *,
    stale: bool,
) -> None:
    datastore.add_student("s001", "Ada")
    now = utc_now()

    def mark(received: datetime) -> AssessmentToStore:
        handed_in = received - timedelta(hours=1)
        return AssessmentToStore(
            "s001", "quiz", "Math", 50, timestamp=handed_in, accepted_at=received
        )

    last = now - timedelta(days=age)
    datastore.assessments.add_many([mark(last - timedelta(days=n)) for n in range(6)])
    marks = kinds(staffstuddash_client)["marks"]

    assert datetime.fromisoformat(marks["last_received_at"]) == last
    assert datetime.fromisoformat(marks["last_occurred_at"]) == last - timedelta(hours=1)
    assert marks["is_stale"] is stale
