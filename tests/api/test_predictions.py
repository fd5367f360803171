"""Predictions over HTTP, on both stores."""

from datetime import datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.support.factories import NOON, a_learning_event, days

STUDENTS = "/api/v1/students"
MOMENT = NOON + days(70)


def predict(client: TestClient, student_id: str = "s001", **body: object) -> dict[str, Any]:
    answer = client.post(f"{STUDENTS}/{student_id}/predictions", json=body)
    assert answer.status_code == 201, answer.text
    prediction: dict[str, Any] = answer.json()
    return prediction


def see(
    client: TestClient,
    moment: datetime,
    student_id: str = "s001",
    course: str | None = None,
    **data: object,
) -> None:
    event = a_learning_event(
        id=None,
        student_id=student_id,
        occurred_at=moment.isoformat(),
        course=course,
        data=data or None,
    )
    assert client.post("/api/v1/events", json=event).status_code == 201


def test_inactivity_raises_the_risk_and_is_the_reason(dropout_client: TestClient) -> None:
    see(dropout_client, NOON)

    soon = predict(dropout_client, as_of=(NOON + days(14)).isoformat())
    late = predict(dropout_client, as_of=(NOON + days(28)).isoformat())

    assert soon["risk_score"] == pytest.approx(0.75 * 9 / 23)
    assert (soon["risk_level"], soon["dropout_type"]) == ("LOW", "NO_DROPOUT")
    assert late["risk_score"] == pytest.approx(0.75)
    assert (late["risk_level"], late["dropout_type"]) == ("HIGH", "ENGAGEMENT")
    assert late["primary_indicators"] == [
        {
            "name": "days_since_activity",
            "part": "ENGAGEMENT",
            "value": 28,
            "compared_with": None,
            "severity": 1,
            "contribution": pytest.approx(0.75),
            "text": "No activity for 28 days.",
            "is_sign": None,
            "sentence": {"code": "days_since_activity.days", "values": {"days": 28}},
        }
    ]
    assert "Call or meet" in late["recommendations"][0]
    advice = {"code": "days_since_activity", "text": late["recommendations"][0]}
    assert late["advice"][0] == advice
    assert late["version"] == "rules-3"


def test_failing_answers_raise_the_risk(dropout_client: TestClient) -> None:
    for number in range(10):
        see(dropout_client, NOON - days(number), correct=False)

    prediction = predict(dropout_client, as_of=NOON.isoformat())

    assert prediction["dropout_type"] == "COGNITIVE"
    assert prediction["primary_indicators"][0]["name"] == "success_share"
    assert "0% of 10 answers right" in prediction["primary_indicators"][0]["text"]
    assert {missing["name"] for missing in prediction["missing"]} >= {"effort_fall", "mark_share"}
    assert 0 < prediction["confidence"] < 1


def test_activity_without_solved_questions_is_silent_dropout(dropout_client: TestClient) -> None:
    for number in range(20, 60, 2):
        see(dropout_client, MOMENT - days(number), correct=True)
    for number in range(0, 14, 2):
        event = a_learning_event(
            id=None,
            event_type="RESOURCE_VIEW",
            question_id=None,
            occurred_at=(MOMENT - days(number)).isoformat(),
        )
        dropout_client.post("/api/v1/events", json=event)

    prediction = predict(dropout_client, as_of=MOMENT.isoformat())

    assert prediction["dropout_type"] == "SILENT"
    assert "Still active" in prediction["primary_indicators"][0]["text"]
    assert prediction["momentum"] == "healthy" or prediction["momentum_index"] <= 70


def test_later_events_do_not_change_a_prediction(dropout_client: TestClient) -> None:
    see(dropout_client, NOON, correct=True)
    instant = (NOON + days(15)).isoformat()
    before = predict(dropout_client, as_of=instant)
    see(dropout_client, NOON + days(15.0001), correct=False)
    after = predict(dropout_client, as_of=instant)

    assert after["risk_score"] == before["risk_score"]
    assert after["primary_indicators"] == before["primary_indicators"]


def test_an_unknown_student_is_not_found(dropout_client: TestClient) -> None:
    answers = [
        dropout_client.post(f"{STUDENTS}/nobody/predictions", json={}),
        dropout_client.get(f"{STUDENTS}/nobody/predictions"),
        dropout_client.get(f"{STUDENTS}/nobody/predictions/latest"),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404]


@pytest.mark.parametrize(("later", "missing"), [(-1, "no event"), (3, "first seen 3.0 days")])
def test_a_student_with_too_few_rows_is_not_assessable(
    dropout_client: TestClient, later: int, missing: str
) -> None:
    see(dropout_client, NOON)

    answer = dropout_client.post(
        f"{STUDENTS}/s001/predictions", json={"as_of": (NOON + days(later)).isoformat()}
    )

    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:veritas:problem:not-assessable"
    assert missing in answer.json()["missing"]
    latest = dropout_client.get(f"{STUDENTS}/s001/predictions/latest")
    assert latest.status_code == 404


def test_the_latest_prediction_is_the_one_with_the_latest_as_of(
    dropout_client: TestClient,
) -> None:
    see(dropout_client, NOON)
    later = predict(dropout_client, as_of=(NOON + days(19)).isoformat())
    earlier = predict(dropout_client, as_of=(NOON + days(15)).isoformat())

    latest = dropout_client.get(f"{STUDENTS}/s001/predictions/latest").json()
    history = dropout_client.get(f"{STUDENTS}/s001/predictions").json()["items"]

    assert latest["id"] == later["id"]
    assert [item["id"] for item in history] == [later["id"], earlier["id"]]


def test_a_repeated_request_is_a_replay(dropout_client: TestClient) -> None:
    see(dropout_client, NOON)
    body = {"id": "pred001", "as_of": (NOON + days(20)).isoformat()}
    first = predict(dropout_client, **body)
    again = dropout_client.post(f"{STUDENTS}/s001/predictions", json=body)
    other = dropout_client.post(
        f"{STUDENTS}/s001/predictions", json={**body, "as_of": (NOON + days(21)).isoformat()}
    )

    assert (again.json(), again.headers["Idempotent-Replay"]) == (first, "true")
    assert other.status_code == 409


@pytest.fixture
def three(dropout_client: TestClient) -> TestClient:
    """Give a client with three students: risk of s1 > s2 > s0, s1 and s2 in math."""
    for number, silent_days in enumerate((3, 40, 18)):
        course = None if number == 0 else "math"
        see(dropout_client, MOMENT - days(60), f"s{number}", course)
        see(dropout_client, MOMENT - days(silent_days), f"s{number}", course)
        if number == 0:
            for week in range(1, 8):
                see(dropout_client, MOMENT - days(3 + 7 * week), "s0")
        predict(dropout_client, f"s{number}", as_of=(MOMENT - days(7 * number)).isoformat())
        predict(dropout_client, f"s{number}", as_of=MOMENT.isoformat())
    return dropout_client


def ranked(client: TestClient, path: str = "/api/v1/predictions", **filters: str) -> list[str]:
    answer = client.get(path, params=filters)
    assert answer.status_code == 200, answer.text
    return [item["student_id"] for item in answer.json()["items"]]


def test_the_highest_risk_comes_first_and_each_student_once(three: TestClient) -> None:
    first = three.get("/api/v1/predictions", params={"limit": 2}).json()
    rest = three.get("/api/v1/predictions", params={"after": first["next"]}).json()

    assert [item["student_id"] for item in first["items"] + rest["items"]] == ["s1", "s2", "s0"]


def test_the_list_can_be_filtered(three: TestClient) -> None:
    assert ranked(three, risk_level="LOW") == ["s0"]
    assert ranked(three, risk_level__in="HIGH,CRITICAL") == ["s1", "s2"]
    assert ranked(three, dropout_type="ENGAGEMENT") == ["s1", "s2"]
    assert ranked(three, course="math") == ["s1", "s2"]
    assert ranked(three, course="nothing") == []
    assert ranked(three, as_of__lt=MOMENT.isoformat()) == []
    assert ranked(three, as_of__gte=MOMENT.isoformat(), risk_score__gt="0.7") == ["s1"]
    assert three.get("/api/v1/predictions", params={"risk": "LOW"}).status_code == 422


def test_a_course_lists_its_risks(three: TestClient) -> None:
    assert ranked(three, "/api/v1/courses/math/risks") == ["s1", "s2"]

    unknown = three.get("/api/v1/courses/nothing/risks")
    assert unknown.status_code == 404
    assert unknown.json()["type"] == "urn:veritas:problem:course-not-found"


def test_a_course_known_from_events_only_has_no_enrolments(three: TestClient) -> None:
    answer = three.post(f"{STUDENTS}/s1/predictions", json={"course": "math"})

    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:veritas:problem:course-not-found"
    assert answer.json()["title"] == "There are no enrolments in this course"
    assert answer.json()["detail"] == "No enrolments in a course 'math' are known."


def test_the_summary_counts_and_lists_students_newly_at_risk(three: TestClient) -> None:
    summary = three.get(
        "/api/v1/analytics/summary", params={"at": MOMENT.isoformat(), "periods": 2}
    ).json()

    now, week_before, _ = summary["standings"]
    assert now["predicted"] == 3
    assert now["levels"] == {"LOW": 1, "MEDIUM": 0, "HIGH": 1, "CRITICAL": 1}
    assert now["types"]["ENGAGEMENT"] == 2
    assert week_before["predicted"] == 2
    assert summary["newly_at_risk_count"] == 1
    assert summary["newly_at_risk"][0]["student_id"] == "s2"
    assert summary["newly_at_risk"][0]["risk_score_before"] == pytest.approx(0.35)

    # One day before, only the first prediction of s2 existed.
    before = three.get(
        "/api/v1/analytics/summary",
        params={"at": (MOMENT - days(7)).isoformat(), "days": 1, "periods": 1},
    ).json()
    assert before["newly_at_risk_count"] == 1
    assert before["newly_at_risk"][0]["student_id"] == "s1"
    assert before["newly_at_risk"][0]["risk_score_before"] is None


def test_an_instant_in_the_future_is_rejected(dropout_client: TestClient) -> None:
    answer = dropout_client.get("/api/v1/analytics/summary", params={"at": "2090-01-01T00:00:00Z"})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "at"


def test_an_empty_service_has_an_empty_summary(dropout_client: TestClient) -> None:
    summary = dropout_client.get("/api/v1/analytics/summary").json()

    assert [standing["predicted"] for standing in summary["standings"]] == [0] * 5
    assert summary["newly_at_risk"] == []
    assert ranked(dropout_client) == []


def test_without_an_outage_no_rows_are_pending(dropout_client: TestClient) -> None:
    see(dropout_client, NOON)
    see(dropout_client, NOON + days(20))
    made = predict(dropout_client)
    features = dropout_client.post(f"{STUDENTS}/s001/features", json={}).json()
    lists = (f"{STUDENTS}/s001/predictions", "/api/v1/predictions", f"{STUDENTS}/s001/features")
    listed = [one for path in lists for one in dropout_client.get(path).json()["items"]]

    assert [one["pending_rows"] for one in (made, features, *listed)] == [0] * 5
