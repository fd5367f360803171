"""Feedback on predictions over HTTP, on both stores."""

import pytest
from starlette.testclient import TestClient

from dropout_service.database import DropoutDatabaseManager
from dropout_service.domain.enums import DropoutType
from dropout_service.domain.rules.risk import IndicatorResult
from dropout_service.feedback_errors import FeedbackOfAnother
from tests.support.factories import NOON, days

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


def test_a_verdict_has_a_reason_and_the_signs_that_it_is_about(
    dropout_client: TestClient, db_manager: DropoutDatabaseManager
) -> None:
    signs = [IndicatorResult("pause", DropoutType.SILENT, 1, None, 0.5, 0.2, "Pause.")]
    db_manager.predictions.add(
        "pred001", "s001", "SILENT", 0.75, as_of=NOON, secondary_indicators=signs
    )
    body = {"verdict": "incorrectly_flagged", "reason": "sign_is_wrong", "signs": ["pause"]}
    stored = dropout_client.post(FEEDBACK, json=body)
    unknown = dropout_client.post(FEEDBACK, json={**body, "signs": ["pause", "marks"]})

    assert (stored.status_code, stored.json()["signs"]) == (201, ["pause"])
    assert stored.json()["reason"] == "sign_is_wrong"
    assert (unknown.status_code, "no signs marks" in unknown.text) == (422, True)
    counts = dropout_client.get("/api/v1/analytics/feedback").json()
    verdicts = {"accepted": 0, "not_applicable": 0, "incorrectly_flagged": 1}
    assert (counts["by_sign"], counts["by_version"]) == ({"pause": verdicts}, {"given": verdicts})


def test_a_withdrawn_verdict_is_listed_and_does_not_count(client: TestClient) -> None:
    given = client.post(FEEDBACK, json={"id": "fb001", "verdict": "accepted"}).json()

    first, again = (client.delete(f"{FEEDBACK}/fb001") for _ in range(2))

    assert (first.status_code, "Idempotent-Replay" in first.headers) == (200, False)
    assert (again.json(), again.headers["Idempotent-Replay"]) == (first.json(), "true")
    assert first.json() == {**given, "withdrawn_at": first.json()["withdrawn_at"]}
    assert client.get(FEEDBACK).json()["items"] == [first.json()]
    counts = client.get("/api/v1/analytics/feedback").json()
    assert (counts["by_type"]["COGNITIVE"]["accepted"], counts["by_version"]) == (0, {})


def test_only_feedback_of_the_prediction_can_be_withdrawn(
    client: TestClient, db_manager: DropoutDatabaseManager
) -> None:
    db_manager.predictions.add("pred002", "s001", "SILENT", 0.75, as_of=NOON + days(1))
    client.post(FEEDBACK, json={"id": "fb001", "verdict": "accepted"})

    other = client.delete("/api/v1/predictions/pred002/feedback/fb001")
    absent = client.delete("/api/v1/predictions/none/feedback/fb001")

    assert (other.status_code, other.json()["type"].split(":")[-1]) == (404, "no-such-feedback")
    assert (absent.status_code, absent.json()["type"].split(":")[-1]) == (404, "no-such-prediction")


def test_another_caller_withdraws_only_if_all_students_are_in_sight(
    db_manager: DropoutDatabaseManager,
) -> None:
    db_manager.predictions.add("pred001", "s001", "SILENT", 0.75, as_of=NOON)
    given = db_manager.feedback.add("pred001", "accepted", given_by="t1", feedback_id="fb001")

    with pytest.raises(FeedbackOfAnother):
        db_manager.feedback.withdraw("pred001", given.id, by="t2", sees_all=False)
    assert db_manager.feedback.withdraw("pred001", given.id, by="t1", sees_all=False).withdrawn_at
    assert db_manager.feedback.withdraw("pred001", given.id, by="t2", sees_all=True).is_replay
