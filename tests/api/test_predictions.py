"""Predictions over HTTP, on both stores."""

from datetime import datetime

import pytest
from starlette.testclient import TestClient

from tests.factories import NOON, a_learning_event, days


def predict(client: TestClient, student_id: str = "s001", **body: object) -> dict[str, object]:
    answer = client.post(f"/api/v1/students/{student_id}/predictions", json=body)
    assert answer.status_code == 201, answer.text
    prediction: dict[str, object] = answer.json()
    return prediction


def see(client: TestClient, moment: datetime, student_id: str = "s001", **data: object) -> None:
    event = a_learning_event(
        id=None, student_id=student_id, occurred_at=moment.isoformat(), data=data or None
    )
    assert client.post("/api/v1/events", json=event).status_code == 201


def test_silence_raises_the_risk_and_is_the_reason(dropout_client: TestClient) -> None:
    see(dropout_client, NOON)

    soon = predict(dropout_client, as_of=(NOON + days(2)).isoformat())
    late = predict(dropout_client, as_of=(NOON + days(21)).isoformat())

    assert soon["risk_score"] == pytest.approx(2 / 28)
    assert (soon["risk_level"], soon["dropout_type"]) == ("LOW", "NO_DROPOUT")
    assert late["risk_score"] == pytest.approx(21 / 28)
    assert (late["risk_level"], late["dropout_type"]) == ("HIGH", "ENGAGEMENT")
    assert late["primary_indicators"] == [
        {
            "name": "days_since_activity",
            "value": 21,
            "contribution": pytest.approx(0.75),
            "text": "No activity for 21 days.",
        }
    ]
    assert late["recommendations"]


def test_failing_answers_raise_the_risk(dropout_client: TestClient) -> None:
    for _ in range(4):
        see(dropout_client, NOON, correct=False)

    prediction = predict(dropout_client, as_of=NOON.isoformat())

    assert prediction["risk_score"] == pytest.approx(0.4)
    assert prediction["dropout_type"] == "COGNITIVE"
    assert prediction["confidence"] == 1


def test_what_happened_later_changes_nothing(dropout_client: TestClient) -> None:
    see(dropout_client, NOON, correct=True)
    before = predict(dropout_client, as_of=(NOON + days(1)).isoformat())
    see(dropout_client, NOON + days(2), correct=False)
    after = predict(dropout_client, as_of=(NOON + days(1)).isoformat())

    assert after["risk_score"] == before["risk_score"]


def test_an_unknown_student_is_not_found(dropout_client: TestClient) -> None:
    answer = dropout_client.post("/api/v1/students/nobody/predictions", json={})

    assert answer.status_code == 404


def test_before_the_first_event_the_student_is_not_assessable(dropout_client: TestClient) -> None:
    see(dropout_client, NOON)

    answer = dropout_client.post(
        "/api/v1/students/s001/predictions", json={"as_of": (NOON - days(1)).isoformat()}
    )

    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:veritas:problem:not-assessable"
    assert "no event" in answer.json()["missing"]
    latest = dropout_client.get("/api/v1/students/s001/predictions/latest")
    assert latest.status_code == 404


def test_the_latest_prediction_is_the_one_with_the_latest_as_of(
    dropout_client: TestClient,
) -> None:
    see(dropout_client, NOON)
    later = predict(dropout_client, as_of=(NOON + days(9)).isoformat())
    predict(dropout_client, as_of=(NOON + days(5)).isoformat())

    latest = dropout_client.get("/api/v1/students/s001/predictions/latest").json()

    assert latest["id"] == later["id"]


def test_a_repeated_prediction_answers_as_before(dropout_client: TestClient) -> None:
    see(dropout_client, NOON)
    first = predict(dropout_client, id="pred001", as_of=NOON.isoformat())
    again = dropout_client.post(
        "/api/v1/students/s001/predictions", json={"id": "pred001", "as_of": NOON.isoformat()}
    )
    other = dropout_client.post(
        "/api/v1/students/s001/predictions",
        json={"id": "pred001", "as_of": (NOON + days(1)).isoformat()},
    )

    assert (again.json(), again.headers["Idempotent-Replay"]) == (first, "true")
    assert other.status_code == 409


def test_the_highest_risk_comes_first_and_each_student_once(dropout_client: TestClient) -> None:
    moment = NOON + days(14)
    for number, silent_days in enumerate((3, 12, 7)):
        see(dropout_client, moment - days(silent_days), f"s{number}")
        predict(dropout_client, f"s{number}", as_of=moment.isoformat())

    first = dropout_client.get("/api/v1/predictions", params={"limit": 2}).json()
    rest = dropout_client.get("/api/v1/predictions", params={"after": first["next"]}).json()

    ranked = [item["student_id"] for item in first["items"] + rest["items"]]
    assert ranked == ["s1", "s2", "s0"]
