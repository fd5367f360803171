"""Rounded scores, extra credit and excused work over HTTP, on both stores."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.support.factories import NOON, a_learning_event, a_student, an_assessment, days

API = "/api/v1"
ASSESSMENTS = f"{API}/assessments"
FEATURES = f"{API}/students/s001/features"


@pytest.fixture
def client(staffstuddash_client: TestClient) -> TestClient:
    """Give a client of a school with one student."""
    staffstuddash_client.post(f"{API}/students", json=a_student())
    return staffstuddash_client


def own_mark(**changes: Any) -> dict[str, Any]:
    """Return a mark to POST to dropout."""
    mark = an_assessment(**changes)
    mark["submitted_at"] = mark.pop("timestamp")
    return mark


def performance(client: TestClient) -> dict[str, Any]:
    answer: dict[str, Any] = client.get(f"{API}/students/s001/performance").json()
    return answer


def test_a_rounded_score_is_the_maximum(client: TestClient) -> None:
    body = an_assessment(score=0.1 + 0.2, max_score=0.3)

    stored = client.post(ASSESSMENTS, json=body)
    again = client.post(ASSESSMENTS, json=body)
    batch = client.post(f"{ASSESSMENTS}/batch", json=[body, {**body, "id": "a2"}])
    above = client.post(ASSESSMENTS, json=an_assessment(id="a3", score=0.301, max_score=0.3))

    assert (stored.status_code, stored.json()["score"]) == (201, 0.3)
    assert (again.json(), again.headers["Idempotent-Replay"]) == (stored.json(), "true")
    assert [item["outcome"] for item in batch.json()["items"]] == ["repeated", "stored"]
    assert above.status_code == 422
    assert performance(client)["mean_percentage"] == 100


def test_extra_credit_exceeds_the_maximum_only_if_it_is_stated(client: TestClient) -> None:
    refused = client.post(ASSESSMENTS, json=an_assessment(score=105))
    stored = client.post(ASSESSMENTS, json=an_assessment(score=105, extra_credit=True))
    twice = client.post(ASSESSMENTS, json=an_assessment(id="a2", score=201, extra_credit=True))

    assert [answer.status_code for answer in (refused, stored, twice)] == [422, 201, 422]
    [error] = refused.json()["errors"]
    assert (error["field"], "extra_credit: true" in error["message"]) == ("score", True)
    assert (stored.json()["score"], stored.json()["extra_credit"]) == (105, True)
    assert performance(client)["mean_percentage"] == 105
    best = client.get(f"{API}/dashboard/teacher", params={"sort": "-mean_percentage"}).json()
    assert best["items"][0]["mean_percentage"] == 105


def test_excused_work_counts_neither_for_nor_against(client: TestClient) -> None:
    later = (NOON + days(5)).isoformat()
    client.post(ASSESSMENTS, json=an_assessment(score=40, topic="sets"))
    before = performance(client)
    excused = {**an_assessment(id="a2", timestamp=later, topic="sets"), "excused": True}
    del excused["score"]

    stored = client.post(ASSESSMENTS, json=excused)
    batch = client.post(
        f"{ASSESSMENTS}/batch", json=[excused, {**excused, "id": "a3", "score": None}]
    )

    assert (stored.status_code, stored.json()["score"], stored.json()["excused"]) == (
        201,
        None,
        True,
    )
    assert [item["outcome"] for item in batch.json()["items"]] == ["repeated", "stored"]
    changed = {"updated_at", "due_at"}
    after = performance(client)
    assert {k: v for k, v in after.items() if k not in changed} == {
        k: v for k, v in before.items() if k not in changed
    }
    listed = client.get(f"{API}/students/s001/assessments", params={"excused": "true"}).json()
    assert {item["id"] for item in listed["items"]} == {"a2", "a3"}
    assert client.get(f"{API}/dashboard/cohort").status_code == 200


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"score": None}, "score"),
        ({"score": 50, "excused": True}, "score"),
        ({"excused": "yes"}, "excused"),
        ({"extra_credit": 1}, "extra_credit"),
    ],
)
def test_a_contradiction_is_refused(
    client: TestClient, dropout_client: TestClient, changes: dict[str, Any], field: str
) -> None:
    for service, body in (
        (client, an_assessment(**changes)),
        (dropout_client, own_mark(**changes)),
    ):
        refused = service.post(ASSESSMENTS, json=body)

        assert refused.status_code == 422
        assert [error["field"] for error in refused.json()["errors"]] == [field]


def test_dropout_counts_only_marks_with_a_score(dropout_client: TestClient) -> None:
    dropout_client.post(f"{API}/events", json=a_learning_event())
    marks: list[dict[str, Any]] = [
        {"score": 0.1 + 0.2, "max_score": 0.3},
        {"score": 120, "extra_credit": True},
        {"score": None, "excused": True},
    ]
    for number, changes in enumerate(marks):
        moment = (NOON + days(number)).isoformat()
        body = own_mark(id=f"m{number}", timestamp=moment, **changes)
        assert dropout_client.post(ASSESSMENTS, json=body).status_code == 201
        again = dropout_client.post(ASSESSMENTS, json=body)
        assert again.headers["Idempotent-Replay"] == "true"

    as_of = (NOON + days(9)).isoformat()
    seen = dropout_client.post(FEATURES, json={"as_of": as_of}).json()["features"]

    assert (seen["mark_count"], seen["mark_share_recent"]) == (2, pytest.approx(1.1))
    assert seen["days_since_mark"] == pytest.approx(8)
    own = f"{API}/students/s001/assessments"
    excused = dropout_client.get(own, params={"excused": "true"}).json()["items"]
    assert [mark["id"] for mark in excused] == ["m2"]
    listed = dropout_client.get(own).json()["items"]
    assert [(mark["score"], mark["excused"]) for mark in listed] == [
        (None, True),
        (120, False),
        (0.3, False),
    ]
