"""Feedback on predictions over HTTP, on both stores."""

import pytest
from starlette.testclient import TestClient

from dropout_service.database import DropoutDatabaseManager
from tests.support.factories import NOON

FEEDBACK = "/api/v1/predictions/pred001/feedback"


@pytest.fixture
def client(dropout_client: TestClient, db_manager: DropoutDatabaseManager) -> TestClient:
    """Give a client with one prediction."""
    db_manager.predictions.add("pred001", "s001", "COGNITIVE", 0.75, "HIGH", as_of=NOON)
    return dropout_client


def test_a_verdict_is_stored_with_its_note_and_its_author(client: TestClient) -> None:
    stored = client.post(FEEDBACK, json={"verdict": "accepted", "note": "Spoke with her."})

    assert stored.status_code == 201
    assert stored.json()["given_by"] == "development"
    assert client.get(FEEDBACK).json()["items"] == [stored.json()]


def test_verdicts_are_counted_by_predicted_type(client: TestClient) -> None:
    for verdict in ("accepted", "accepted", "incorrectly_flagged"):
        client.post(FEEDBACK, json={"verdict": verdict})

    counts = client.get("/api/v1/analytics/feedback").json()["by_type"]

    assert counts["COGNITIVE"] == {"accepted": 2, "not_applicable": 0, "incorrectly_flagged": 1}
    assert set(counts["SILENT"].values()) == {0}


def test_a_repeated_verdict_is_stored_once(client: TestClient) -> None:
    body = {"id": "fb001", "verdict": "not_applicable"}
    client.post(FEEDBACK, json=body)
    again = client.post(FEEDBACK, json=body)
    other = client.post(FEEDBACK, json={**body, "verdict": "accepted"})

    assert (again.status_code, again.headers["Idempotent-Replay"]) == (201, "true")
    assert other.status_code == 409
    assert len(client.get(FEEDBACK).json()["items"]) == 1


def test_an_idempotency_key_names_a_verdict_without_an_id(client: TestClient) -> None:
    headers = {"Idempotency-Key": "once"}
    for _ in range(2):
        client.post(FEEDBACK, json={"verdict": "accepted"}, headers=headers)

    assert len(client.get(FEEDBACK).json()["items"]) == 1


@pytest.mark.parametrize("verdict", ["maybe", "", None])
def test_an_unknown_verdict_is_rejected(client: TestClient, verdict: str | None) -> None:
    assert client.post(FEEDBACK, json={"verdict": verdict}).status_code == 422
    assert client.get(FEEDBACK).json()["items"] == []


def test_feedback_on_an_unknown_prediction_is_rejected(client: TestClient) -> None:
    path = "/api/v1/predictions/other/feedback"
    answers = [client.post(path, json={"verdict": "accepted"}), client.get(path)]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json()["type"] == "urn:veritas:problem:no-such-prediction"
