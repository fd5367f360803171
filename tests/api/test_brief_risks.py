"""Risks of a course in brief, with the places of earlier weeks, on both stores."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from dropout_service.database import DropoutDatabaseManager
from dropout_service.domain.enums import DropoutType
from dropout_service.domain.rules.risk import IndicatorResult
from tests.support.factories import NOON, a_learning_event, days

RISKS = "/api/v1/courses/art/risks"
# Noon of a Wednesday.
NOW = NOON - timedelta(days=NOON.weekday() - 2)
ADVICE = "Call or meet the student this week and ask what keeps them away."


def sign(name: str, contribution: float) -> IndicatorResult:
    return IndicatorResult(name, DropoutType.SILENT, 1, None, 0.5, contribution, f"{name}.")


def predict(
    manager: DropoutDatabaseManager, student: str, risk: float, as_of: datetime = NOW
) -> str:
    primary, secondary = [sign("first", 0.1), sign("third", 0.05)], [sign("second", 0.3)]
    row = manager.predictions.add(
        None,
        student,
        "SILENT",
        risk,
        as_of=as_of,
        primary_indicators=primary,
        secondary_indicators=secondary,
        recommendations=[ADVICE, "Another one."],
    )
    return row.id


@pytest.fixture
def client(dropout_client: TestClient) -> TestClient:
    """Give a client, with two students who are active in a course."""
    for student in ("ada", "bob"):
        event = a_learning_event(id=student, student_id=student, course="art", question_id=None)
        event["event_type"] = "NAVIGATION"
        assert dropout_client.post("/api/v1/events", json=event).status_code == 201
    return dropout_client


def items(client: TestClient, **query: Any) -> list[dict[str, Any]]:
    answer = client.get(RISKS, params=query)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


def test_a_brief_risk_has_two_signs_and_one_advice(
    client: TestClient, db_manager: DropoutDatabaseManager
) -> None:
    id_ = predict(db_manager, "ada", 0.5)

    [ada] = items(client, view="brief")

    assert ada | {"reasons": 0} == {
        "id": id_,
        "student_id": "ada",
        "course": None,
        "is_class": False,
        "course_rank": None,
        "course_ranked": None,
        "as_of": NOW.isoformat().replace("+00:00", "Z"),
        "version": "given",
        "reasons": 0,
        "advice": {"code": "days_since_activity", "text": ADVICE},
        "history": [],
    }
    assert [(one["name"], one["is_sign"], one["sentence"]) for one in ada["reasons"]] == [
        ("second", True, None),
        ("first", True, None),
    ]


def test_the_history_has_one_place_for_each_earlier_week(
    client: TestClient, db_manager: DropoutDatabaseManager
) -> None:
    offsets = [-1, -3, -4, -16, -24, 0]
    for offset in offsets:
        predict(db_manager, "ada", 0.5, NOW + days(offset))

    def history(weeks: int) -> list[datetime]:
        [ada] = items(client, view="brief", history=weeks)
        return [datetime.fromisoformat(one["as_of"]) for one in ada["history"]]

    assert history(0) == []
    assert history(1) == [NOW + days(-3)]
    assert history(3) == [NOW + days(-3), NOW + days(-16)]
    assert history(26) == [NOW + days(-3), NOW + days(-16), NOW + days(-24)]


def test_students_can_be_chosen_in_both_views(
    client: TestClient, db_manager: DropoutDatabaseManager
) -> None:
    for student, risk in (("ada", 0.5), ("bob", 0.7)):
        predict(db_manager, student, risk)

    for view in ("brief", "full"):
        assert [one["student_id"] for one in items(client, view=view)] == ["bob", "ada"]
        chosen = items(client, view=view, student_id__in="ada,cyd")
        assert [one["student_id"] for one in chosen] == ["ada"]


@pytest.mark.parametrize(
    "query", [{"history": 8}, {"view": "brief", "history": 27}, {"view": "short"}]
)
def test_a_wrong_view_is_refused(client: TestClient, query: dict[str, Any]) -> None:
    answer = client.get(RISKS, params=query)

    assert (answer.status_code, answer.json()["type"].split(":")[-1]) == (422, "invalid-request")
