"""Closing of terms and the list of leavers over HTTP, on both stores."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.support.factories import a_student
from tests.support.rosters import today

API = "/api/v1"


def a_term(**changes: Any) -> dict[str, Any]:
    """Return a term that ended ten days ago."""
    days = {"starts_on": today(-200).isoformat(), "ends_on": today(-10).isoformat()}
    return {"title": "Autumn", "type": "semester", **days, **changes}


@pytest.fixture
def client(staffstuddash_client: TestClient) -> TestClient:
    """Give a client of a school with a past term, a class in it, a student and a teacher."""
    for id_ in ("s001", "s002"):
        staffstuddash_client.post(f"{API}/students", json=a_student(id=id_))
    bodies: dict[str, dict[str, Any]] = {
        "terms/past": a_term(),
        "classes/5a": {"title": "5a", "term_ids": ["past"]},
        "people/t1": {"name": "Emmy Noether"},
        "classes/5a/students/s001": {"valid_from": today(-100).isoformat()},
        "classes/5a/staff/t1": {"valid_from": today(-100).isoformat()},
    }
    for path, body in bodies.items():
        assert staffstuddash_client.put(f"{API}/{path}", json=body).status_code == 201, path
    return staffstuddash_client


def test_a_term_is_closed_once(client: TestClient) -> None:
    url = f"{API}/terms/past/close"
    dry = client.post(url, params={"dry_run": "true"})
    done = client.post(url)
    again = client.post(url)

    counts = {
        "term_id": "past",
        "ends_on": today(-10).isoformat(),
        "archived_classes": 1,
        "kept_classes": 0,
        "ended_enrolments": 1,
        "ended_teaching": 1,
        "leavers": 1,
    }
    assert dry.json() == {**counts, "closed_at": None, "is_dry": True}
    assert done.json() == {**dry.json(), "closed_at": done.json()["closed_at"], "is_dry": False}
    assert "Idempotent-Replay" not in done.headers
    assert (again.status_code, again.headers["Idempotent-Replay"]) == (200, "true")
    assert again.json()["closed_at"] == done.json()["closed_at"] is not None
    assert again.json()["archived_classes"] == 0


def test_an_archived_class_is_read_only_and_off_the_list(client: TestClient) -> None:
    client.post(f"{API}/terms/past/close")
    refused = [
        client.put(f"{API}/classes/5a/students/s002", json={}),
        client.put(f"{API}/classes/5a/staff/t1", json={}),
        client.put(f"{API}/classes/5a", json={"title": "Other", "term_ids": ["past"]}),
    ]

    assert {answer.status_code for answer in refused} == {409}
    assert {answer.json()["type"] for answer in refused} == {"urn:veritas:problem:class-archived"}
    assert client.get(f"{API}/classes").json()["items"] == []
    [archived] = client.get(f"{API}/classes?include_ended=true").json()["items"]
    assert archived["archived_at"] is not None
    assert client.get(f"{API}/classes/5a").json() == archived
    [enrolment] = client.get(f"{API}/classes/5a/students?include_ended=true").json()["items"]
    assert enrolment["valid_to"] == today(-9).isoformat()
    assert client.put(f"{API}/terms/past", json=a_term()).headers["Idempotent-Replay"] == "true"
    closed = client.put(f"{API}/terms/past", json=a_term(title="Other"))
    assert (closed.status_code, closed.json()["type"]) == (409, "urn:veritas:problem:term-closed")


def test_leavers_are_listed_until_they_enrol_again(client: TestClient) -> None:
    assert client.get(f"{API}/leavers").json()["items"] == []
    client.put(f"{API}/classes/5a/students/s002", json={"valid_from": today(-50).isoformat()})
    client.post(f"{API}/terms/past/close")

    left_on = today(-9).isoformat()
    first = client.get(f"{API}/leavers?limit=1").json()
    second = client.get(f"{API}/leavers?limit=1&after={first['next']}").json()
    assert first["items"] == [{"student_id": "s001", "left_on": left_on}]
    assert second == {"items": [{"student_id": "s002", "left_on": left_on}], "next": None}
    assert client.get(f"{API}/leavers?left_by={today(-10)}").json()["items"] == []

    client.put(f"{API}/classes/6a", json={"title": "6a"})
    client.put(f"{API}/classes/6a/students/s001", json={})
    assert client.get(f"{API}/leavers").json() == second


@pytest.mark.parametrize(
    ("term_id", "body", "status", "problem"),
    [
        ("nowhere", None, 404, "term-not-found"),
        ("running", a_term(ends_on=today().isoformat()), 409, "term-not-over"),
        ("past", a_term(parent_id="past"), 409, "term-has-open-terms"),
    ],
)
def test_a_term_that_cannot_close_is_refused(
    client: TestClient, term_id: str, body: dict[str, Any] | None, status: int, problem: str
) -> None:
    if body is not None:
        stored = "part" if "parent_id" in body else term_id
        assert client.put(f"{API}/terms/{stored}", json=body).status_code == 201
    answer = client.post(f"{API}/terms/{term_id}/close")

    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:veritas:problem:{problem}")
    assert answer.json()["detail"]
