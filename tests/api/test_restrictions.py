"""Restrictions in staffstuddash: judgements vanish and return, on both stores."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from staffstuddash_service.datastore import DatastoreManager
from tests.support.factories import NOON, a_draft, a_student, an_assessment, days

PATH = "/api/v1/students/s001/restriction"
REASON = {"reason": "objection of the guardians"}
JUDGED = (
    "status",
    "trend_per_30_days",
    "learning_state",
    "grit_level",
    "integrity_label",
    "sudden_jump_flag",
)


@pytest.fixture
def client(staffstuddash_client: TestClient) -> TestClient:
    """Give a client of a school with a weak and a strong student, and a version of a text."""
    for id_, scores in (("s001", (50, 30, 10)), ("s002", (90, 90, 95))):
        assert staffstuddash_client.post(
            "/api/v1/students", json=a_student(id=id_, email=None)
        ).is_success
        for number, score in enumerate(scores):
            add_mark(staffstuddash_client, id_, number, score)
    for number, content in enumerate(("Light is scattered by air.", "Sound is a wave, too.")):
        at = (NOON + days(number)).isoformat()
        draft = a_draft(id=f"d{number}", content=content, timestamp=at)
        assert staffstuddash_client.post("/api/v1/students/s001/drafts", json=draft).is_success
    return staffstuddash_client


def add_mark(client: TestClient, student_id: str, number: int, score: float) -> None:
    at = (NOON + days(number)).isoformat()
    mark = an_assessment(
        id=f"{student_id}-{number}",
        student_id=student_id,
        score=score,
        topic="fractions",
        timestamp=at,
    )
    assert client.post("/api/v1/assessments", json=mark).status_code == 201


def row(client: TestClient, **query: Any) -> dict[str, Any] | None:
    """Return the row of s001 on the teacher's dashboard."""
    items = client.get("/api/v1/dashboard/teacher", params=query).json()["items"]
    found: list[dict[str, Any]] = [item for item in items if item["student_id"] == "s001"]
    return found[0] if found else None


def actions(client: TestClient) -> list[tuple[str, str]]:
    items = client.get("/api/v1/students/s001/actions").json()["items"]
    return [(item["action"], item["actor"]) for item in reversed(items)]


def test_a_restricted_student_is_shown_without_judgement(client: TestClient) -> None:
    before = row(client)
    answer = client.put(PATH, json=REASON)

    assert answer.status_code == 200, answer.text
    assert answer.json()["reason"] == REASON["reason"]
    shown = row(client)
    assert before is not None
    assert shown is not None
    assert before["status"] == "high_risk"
    assert [shown[name] for name in JUDGED] == [None] * len(JUDGED)
    assert shown["risk"] is None
    assert shown["risk_missing_because"] == "not assessed on request"
    assert shown["status_reasons"] == ["Not assessed on request."]
    facts = ("mean_percentage", "assessment_count", "last_activity_at")
    assert [shown[name] for name in facts] == [before[name] for name in facts]
    assert row(client, status="high_risk") is None


def test_marks_go_on_being_stored_and_judge_nothing(client: TestClient) -> None:
    client.put(PATH, json={})
    add_mark(client, "s001", 7, 10)

    dashboard = client.get("/api/v1/dashboard/student/s001").json()
    assert dashboard["risk_missing_because"] == "not assessed on request"
    performance = dashboard["performance"]
    assert performance["assessment_count"] == 4
    assert performance["mean_percentage"] == 25
    assert [performance[name] for name in JUDGED] == [None] * len(JUDGED)
    assert (performance["strengths"], performance["weaknesses"]) == ([], [])
    assert (performance["assignments"], performance["setback_count"]) == ([], 0)
    assert [subject["trend_per_30_days"] for subject in performance["subjects"]] == [None]
    [standing] = dashboard["concepts"]
    assert (standing["learning_state"], standing["change_points"]) == (None, None)


def test_the_cohort_counts_no_restricted_student(client: TestClient) -> None:
    before = client.get("/api/v1/dashboard/cohort").json()
    client.put(PATH, json={})
    after = client.get("/api/v1/dashboard/cohort").json()

    assert (before["student_count"], after["student_count"]) == (2, 1)
    assert (before["high_risk_count"], after["high_risk_count"]) == (1, 0)
    counts = [cell["student_count"] for cell in after["struggle_heat_map"]]
    assert (len(before["tutoring_pairs"]), after["tutoring_pairs"], counts) == (1, [], [1])


def test_lifting_computes_the_judgements_again(client: TestClient) -> None:
    before = row(client)
    client.put(PATH, json=REASON)
    answer = client.delete(PATH)

    assert answer.status_code == 204
    assert row(client) == before
    assert client.get(PATH).json()["type"].endswith("restriction-not-found")
    assert client.delete(PATH).status_code == 404


def test_the_history_is_in_the_action_log_without_reasons(client: TestClient) -> None:
    first = client.put(PATH, json=REASON)
    again = client.put(PATH, json=REASON)
    client.put(PATH, json={})
    client.delete(PATH)

    assert "idempotent-replay" not in first.headers
    assert again.headers["idempotent-replay"] == "true"
    assert again.json() == first.json()
    assert actions(client) == [
        ("student.restricted", "development"),
        ("student.restriction-changed", "development"),
        ("student.restriction-lifted", "development"),
    ]
    assert REASON["reason"] not in client.get("/api/v1/actions").text


def test_an_unknown_student_cannot_be_restricted(client: TestClient) -> None:
    path = "/api/v1/students/s999/restriction"

    for answer in (client.put(path, json={}), client.get(path), client.delete(path)):
        assert answer.status_code == 404
        assert answer.json()["type"].endswith("student-not-found")


def test_an_erasure_removes_the_restriction(client: TestClient) -> None:
    client.put(PATH, json=REASON)

    removed = client.delete("/api/v1/students/s001").json()["removed"]

    assert removed["student_restrictions"] == 1


@pytest.mark.parametrize("restricted", ["s001", "s002"])
def test_a_merged_student_is_restricted_if_one_of_both_was(
    client: TestClient, restricted: str, datastore: DatastoreManager
) -> None:
    client.put(f"/api/v1/students/{restricted}/restriction", json=REASON)

    report = client.post("/api/v1/students/s002/merge", json={"into": "s001"}).json()

    assert report["moved"]["student_restrictions"] == (restricted == "s002")
    assert datastore.restrictions.get("s001").reason == REASON["reason"]
    shown = row(client)
    assert shown is not None
    assert (shown["status"], shown["assessment_count"]) == (None, 6)


def test_a_merge_of_two_restricted_students_keeps_the_present_one(client: TestClient) -> None:
    client.put(PATH, json={"reason": "kept"})
    client.put("/api/v1/students/s002/restriction", json={"reason": "gone"})

    report = client.post("/api/v1/students/s002/merge", json={"into": "s001"}).json()

    assert report["conflicts"]["student_restrictions"] == 1
    assert client.get(PATH).json()["reason"] == "kept"
