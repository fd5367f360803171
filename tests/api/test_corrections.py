"""Corrections and deletions of assessments over HTTP, on both stores."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.support.factories import NOON, a_student, an_assessment, days

API = "/api/v1"
ASSESSMENTS = f"{API}/assessments"
MARK = f"{ASSESSMENTS}/a001"
ADA = f"{API}/students/s001"
REASON = {"reason": "typing error"}


@pytest.fixture
def client(staffstuddash_client: TestClient) -> TestClient:
    """Give a client of a school with one student, with two marks."""
    staffstuddash_client.post(f"{API}/students", json=a_student())
    later = (NOON + days(3)).isoformat()
    for changes in ({"topic": "sets"}, {"id": "a002", "score": 45, "timestamp": later}):
        staffstuddash_client.post(ASSESSMENTS, json=an_assessment(**changes))
    return staffstuddash_client


def performance(client: TestClient) -> dict[str, Any]:
    answer: dict[str, Any] = client.get(f"{ADA}/performance").json()
    return answer


def actions(client: TestClient) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client.get(f"{ADA}/actions").json()["items"]
    return items


def concepts(client: TestClient) -> dict[str, float]:
    items = client.get(f"{API}/dashboard/student/s001").json()["concepts"]
    return {item["concept"]: item["mean_percentage"] for item in items}


def test_a_correction_is_counted_and_logged(client: TestClient) -> None:
    changed = client.patch(MARK, json={"score": 55, **REASON})

    assert changed.status_code == 200
    assert (changed.json()["score"], changed.json()["subject"]) == (55, "Math")
    assert changed.json()["corrected_at"] is not None
    assert performance(client)["mean_percentage"] == 50
    assert concepts(client) == {"sets": pytest.approx(55)}
    [action] = actions(client)
    assert (action["action"], action["is_intervention"]) == ("assessment.changed", False)
    assert action["actor"]
    assert action["data"] == {
        "assessment_id": "a001",
        "reason": "typing error",
        "before": {"score": 85},
        "after": {"score": 55},
    }


def test_the_same_correction_again_changes_and_logs_nothing(client: TestClient) -> None:
    body = {"score": 0.1 + 0.2, "max_score": 0.3, "timestamp": NOON.isoformat(), **REASON}
    first = client.patch(MARK, json=body)
    record = performance(client)
    again = client.patch(MARK, json=body)

    assert (again.status_code, again.json()) == (200, first.json())
    assert first.json()["score"] == 0.3
    assert performance(client) == record
    assert len(actions(client)) == 1


def test_the_original_request_never_undoes_a_correction(client: TestClient) -> None:
    client.patch(MARK, json={"score": 55, **REASON})

    original = client.post(ASSESSMENTS, json=an_assessment(topic="sets"))
    present = client.post(ASSESSMENTS, json=an_assessment(topic="sets", score=55))

    assert original.status_code == 409
    assert (present.status_code, present.json()["score"]) == (201, 55)
    assert present.headers["Idempotent-Replay"] == "true"
    assert performance(client)["mean_percentage"] == 50


def test_all_fields_can_be_corrected(client: TestClient) -> None:
    later = NOON + days(4)
    changes = {
        "type": "quiz",
        "subject": "Art",
        "topic": None,
        "score": 12,
        "max_score": 10,
        "extra_credit": True,
        "timestamp": later.isoformat(),
    }
    changed = client.patch(MARK, json={**changes, **REASON}).json()

    assert {name: changed[name] for name in changes} == {
        **changes,
        "timestamp": later.isoformat().replace("+00:00", "Z"),
    }
    record = performance(client)
    assert [one["subject"] for one in record["subjects"]] == ["Art", "Math"]
    assert record["last_submitted_at"] == changed["timestamp"]
    assert concepts(client) == {}
    [action] = actions(client)
    assert action["data"]["before"]["timestamp"] == NOON.isoformat()


def test_a_mark_is_excused_and_counted_again(client: TestClient) -> None:
    excused = client.patch(MARK, json={"excused": True, **REASON})
    without = performance(client)
    unstated = client.patch(MARK, json={"score": 70, **REASON})
    counted = client.patch(MARK, json={"score": 70, "excused": False, **REASON})

    assert (excused.json()["score"], excused.json()["excused"]) == (None, True)
    assert (without["assessment_count"], without["mean_percentage"]) == (1, 45)
    assert unstated.status_code == 422
    assert unstated.json()["type"].endswith("score-out-of-range")
    assert (counted.status_code, counted.json()["score"]) == (200, 70)
    assert performance(client)["assessment_count"] == 2


def test_an_invalid_correction_changes_nothing(
    client: TestClient, subtests: pytest.Subtests
) -> None:
    cases: list[dict[str, Any]] = [
        {"score": 55},
        {"reason": "nothing"},
        {"score": 55, "reason": " "},
        {"score": 101, **REASON},
        {"score": None, **REASON},
        {"max_score": 80, **REASON},
        {"excused": True, "score": 1, **REASON},
        {"student_id": "s002", **REASON},
        {"subject": None, **REASON},
    ]
    before = performance(client)
    for change in cases:
        with subtests.test(change=change):
            assert client.patch(MARK, json=change).status_code == 422
            assert performance(client) == before
            assert actions(client) == []


def test_a_deleted_mark_no_longer_counts(client: TestClient) -> None:
    deleted = client.delete(MARK, params={"reason": "sent twice"})

    assert deleted.status_code == 200
    assert "Idempotent-Replay" not in deleted.headers
    assert (deleted.json()["id"], deleted.json()["student_id"]) == ("a001", "s001")
    record = performance(client)
    assert (record["assessment_count"], record["mean_percentage"]) == (1, 45)
    assert concepts(client) == {}
    listed = client.get(f"{ADA}/assessments").json()["items"]
    assert [item["id"] for item in listed] == ["a002"]
    [action] = actions(client)
    assert action["action"] == "assessment.deleted"
    assert action["data"]["reason"] == "sent twice"
    assert (action["data"]["before"]["score"], action["data"]["before"]["topic"]) == (85, "sets")


def test_deleting_again_has_the_same_answer(client: TestClient) -> None:
    first = client.delete(MARK, params={"reason": "sent twice"})
    again = client.delete(MARK, params={"reason": "sent twice"})

    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["Idempotent-Replay"] == "true"
    assert len(actions(client)) == 1


def test_the_id_of_a_deleted_mark_is_never_used_again(client: TestClient) -> None:
    client.delete(MARK, params={"reason": "sent twice"})

    body = an_assessment(topic="sets")
    single = client.post(ASSESSMENTS, json=body)
    patched = client.patch(MARK, json={"score": 1, **REASON})
    batch = client.post(f"{ASSESSMENTS}/batch", json=[body, an_assessment(id="a3")]).json()

    for answer in (single, patched):
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (
            410,
            "assessment-deleted",
        )
    assert [item["outcome"] for item in batch["items"]] == ["refused", "stored"]
    assert batch["items"][0]["errors"] == [
        {"location": "body", "field": "id", "message": "The assessment was deleted"}
    ]
    assert performance(client)["assessment_count"] == 2


def test_unknown_marks_and_missing_reasons_are_refused(client: TestClient) -> None:
    unknown = f"{ASSESSMENTS}/nothing"

    assert client.patch(unknown, json={"score": 1, **REASON}).status_code == 404
    assert client.delete(unknown, params=REASON).status_code == 404
    assert client.delete(MARK).status_code == 422
    assert client.delete(MARK, params={"reason": " "}).status_code == 422
    assert performance(client)["assessment_count"] == 2


def test_the_last_mark_can_be_deleted_and_the_student_erased(client: TestClient) -> None:
    for mark in ("a001", "a002"):
        client.delete(f"{ASSESSMENTS}/{mark}", params={"reason": "wrong student"})
    record = performance(client)
    erased = client.delete(ADA)

    assert (record["assessment_count"], record["mean_percentage"]) == (0, None)
    assert (record["last_activity_at"], record["status"]) == (None, None)
    assert erased.json()["removed"]["assessment_logs"] == 2
    assert client.delete(MARK, params={"reason": "again"}).status_code == 404
    logged = client.get(f"{API}/actions").json()["items"]
    assert [action["data"] for action in logged] == [None] * 3
