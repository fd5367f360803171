"""Assessments and performance records over HTTP, on both stores."""

import pytest
from starlette.testclient import TestClient

from tests.support.factories import NOON, a_student, an_assessment, days

ASSESSMENTS = "/api/v1/assessments"


@pytest.fixture
def client(staffstuddash_client: TestClient) -> TestClient:
    """Give a client of a school with one student."""
    staffstuddash_client.post("/api/v1/students", json=a_student())
    return staffstuddash_client


def performance(client: TestClient) -> dict[str, object]:
    answer: dict[str, object] = client.get("/api/v1/students/s001/performance").json()
    return answer


def test_a_record_without_assessments_has_no_figures(client: TestClient) -> None:
    record = performance(client)

    assert record["mean_percentage"] is None
    assert record["assessment_count"] == 0
    assert record["subjects"] == []


def test_an_assessment_updates_the_performance(client: TestClient) -> None:
    later = (NOON + days(3)).isoformat()
    client.post(ASSESSMENTS, json=an_assessment(score=40))
    client.post(ASSESSMENTS, json=an_assessment(id="a2", score=10, max_score=20, timestamp=later))
    client.post(ASSESSMENTS, json=an_assessment(id="a3", subject="Art", score=90))

    record = performance(client)

    assert record["assessment_count"] == 3
    assert record["mean_percentage"] == pytest.approx(60)
    assert record["subjects"] == [
        {
            "subject": "Art",
            "mean_percentage": 90,
            "count": 1,
            "last_percentage": 90,
            "last_submitted_at": "2026-03-02T12:00:00Z",
            "trend_per_30_days": None,
        },
        {
            "subject": "Math",
            "mean_percentage": 45,
            "count": 2,
            "last_percentage": 50,
            "last_submitted_at": "2026-03-05T12:00:00Z",
            "trend_per_30_days": None,
        },
    ]


def test_the_same_assessment_again_counts_once(client: TestClient) -> None:
    client.post(ASSESSMENTS, json=an_assessment())
    again = client.post(ASSESSMENTS, json=an_assessment())

    assert again.status_code == 201
    assert again.headers["Idempotent-Replay"] == "true"
    assert performance(client)["assessment_count"] == 1


def test_the_same_id_with_another_score_changes_nothing(client: TestClient) -> None:
    client.post(ASSESSMENTS, json=an_assessment())
    other = client.post(ASSESSMENTS, json=an_assessment(score=12))

    assert other.status_code == 409
    assert performance(client)["mean_percentage"] == 85


def test_an_assessment_of_an_unknown_student_is_refused(client: TestClient) -> None:
    answer = client.post(ASSESSMENTS, json=an_assessment(student_id="nobody"))

    assert answer.status_code == 404
    assert client.get("/api/v1/students/nobody").status_code == 404


def test_a_wrong_field_is_named_and_no_row_is_stored(
    client: TestClient, subtests: pytest.Subtests
) -> None:
    cases: list[tuple[dict[str, object], str]] = [
        ({"score": -1}, "score"),
        ({"score": 101}, "score"),
        ({"score": "85"}, "score"),
        ({"score": True}, "score"),
        ({"max_score": 0}, "max_score"),
        ({"subject": "  "}, "subject"),
        ({"timestamp": "2026-03-02T12:00:00"}, "timestamp"),
        ({"timestamp": "2999-01-01T00:00:00Z"}, "timestamp"),
        ({"timestamp": 1767225600}, "timestamp"),
        ({"grade": "A"}, "grade"),
    ]
    for change, field in cases:
        with subtests.test(change=change):
            answer = client.post(ASSESSMENTS, json=an_assessment(**change))

            assert answer.status_code == 422
            assert [error["field"] for error in answer.json()["errors"]] == [field]
            assert performance(client)["assessment_count"] == 0


def test_the_latest_assessment_comes_first(client: TestClient) -> None:
    for day in (2, 0, 1):
        moment = (NOON + days(day)).isoformat()
        client.post(ASSESSMENTS, json=an_assessment(id=f"a{day}", timestamp=moment))

    page = client.get("/api/v1/students/s001/assessments", params={"limit": 2}).json()
    rest = client.get("/api/v1/students/s001/assessments", params={"after": page["next"]}).json()

    assert [item["id"] for item in page["items"] + rest["items"]] == ["a2", "a1", "a0"]


def test_the_dashboard_has_a_row_per_student(client: TestClient) -> None:
    client.post("/api/v1/students", json=a_student(id="s002", name="Grace Hopper"))
    client.post(ASSESSMENTS, json=an_assessment())

    rows = client.get("/api/v1/dashboard/teacher").json()["items"]

    assert [(row["student_id"], row["mean_percentage"]) for row in rows] == [
        ("s001", 85),
        ("s002", None),
    ]
    assert all(row["risk"] is None and row["risk_missing_because"] for row in rows)
