"""Legal holds over HTTP, on both stores."""

import pytest
from starlette.testclient import TestClient

from tests.support.factories import a_student

STUDENTS = "/api/v1/students"
ADA = f"{STUDENTS}/s001"
HOLD = f"{ADA}/hold"
REASON = {"reason": "complaint 17 of 2026"}


@pytest.fixture
def client(staffstuddash_client: TestClient) -> TestClient:
    """Give a client of a school with one student."""
    staffstuddash_client.post(STUDENTS, json=a_student())
    return staffstuddash_client


def actions(client: TestClient) -> list[tuple[str, object]]:
    return [(one["action"], one["data"]) for one in client.get(f"{ADA}/actions").json()["items"]]


def test_a_hold_refuses_the_erasure_until_it_is_lifted(client: TestClient) -> None:
    held = client.put(HOLD, json=REASON)
    refused = client.delete(ADA)

    assert held.status_code == 200
    assert held.json()["reason"] == REASON["reason"]
    assert held.json()["held_by"] == "development"
    assert client.get(HOLD).json() == held.json()
    assert refused.status_code == 409
    assert refused.json()["type"].endswith("student-held")
    assert "DELETE there" in refused.json()["detail"]
    assert client.get(ADA).status_code == 200

    assert client.delete(HOLD).json() == held.json()
    assert client.get(HOLD).status_code == 404
    assert client.delete(ADA).status_code == 200


def test_the_same_reason_again_is_a_replay_and_another_one_replaces_it(client: TestClient) -> None:
    client.put(HOLD, json=REASON)
    again = client.put(HOLD, json=REASON)
    other = client.put(HOLD, json={"reason": "another"})

    assert again.headers["Idempotent-Replay"] == "true"
    assert "Idempotent-Replay" not in other.headers
    assert client.get(HOLD).json()["reason"] == "another"
    assert actions(client) == [
        ("student.held", {"reason": "another"}),
        ("student.held", REASON),
    ]


def test_a_hold_needs_a_student_and_a_reason(client: TestClient) -> None:
    assert client.put(f"{STUDENTS}/nobody/hold", json=REASON).status_code == 404
    assert client.put(HOLD, json={"reason": " "}).status_code == 422
    lifted = client.delete(HOLD)
    assert (lifted.status_code, lifted.json()["type"].endswith("hold-not-found")) == (404, True)


def test_an_export_has_the_hold(client: TestClient) -> None:
    client.put(HOLD, json=REASON)

    export = client.get(f"{ADA}/export")

    assert export.status_code == 200
    assert b"holds.json" in export.content
