"""Planned actions over HTTP, on both stores: done, withdrawn, changed and counted."""

from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from shared_db.clock import utc_now
from shared_db.pseudonyms import pseudonym_of
from tests.support.factories import a_student, an_action, days

ACTIONS = "/api/v1/actions"
OF_ADA = "/api/v1/students/s001/actions"
TODAY = utc_now().date()
STEP = {"action": "talk", "state": "planned", "due_on": f"{TODAY + days(3):%F}"}


@pytest.fixture
def client(staffstuddash_client: TestClient) -> TestClient:
    """Give a client of a school with one student and two members of staff."""
    staffstuddash_client.post("/api/v1/students", json=a_student())
    for id_, name in (("t1", "Grace Hopper"), ("t2", "Alan Kay")):
        staffstuddash_client.put(f"/api/v1/people/{id_}", json={"name": name})
    return staffstuddash_client


def plan(client: TestClient, **changes: Any) -> dict[str, Any]:
    answer = client.post(OF_ADA, json={**STEP, "assigned_to": "t1", **changes})
    assert answer.status_code == 201, answer.text
    stored: dict[str, Any] = answer.json()
    return stored


def change(client: TestClient, action: dict[str, Any], **fields: Any) -> Response:
    return client.patch(f"{ACTIONS}/{action['id']}", json=fields)


def log(client: TestClient) -> list[str]:
    return [item["action"] for item in client.get(OF_ADA).json()["items"]]


def problem(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rpartition(":")[2].rpartition("/")[2]


def test_a_planned_action_has_its_day_and_its_person(client: TestClient) -> None:
    planned = plan(client, prediction_id="p1")

    assert planned["state"] == "planned"
    assert planned["due_on"] == STEP["due_on"]
    assert (planned["assigned_to"], planned["assigned_to_name"]) == ("t1", "Grace Hopper")
    assert (planned["actor"], planned["actor_name"]) == ("development", None)
    assert (planned["prediction_id"], planned["done_at"], planned["done_by"]) == ("p1", None, None)
    assert client.get(ACTIONS).json()["items"] == [planned]


def test_an_action_is_done_by_default(client: TestClient) -> None:
    made = client.post(OF_ADA, json=an_action()).json()

    assert (made["state"], made["due_on"], made["assigned_to"]) == ("done", None, None)
    assert (made["done_at"], made["done_by"]) == (made["timestamp"], made["actor"])


def test_a_planned_action_becomes_done_once(client: TestClient) -> None:
    planned = plan(client)
    done = change(client, planned, state="done", note="she came")
    again = change(client, planned, state="done", note="she came")

    assert done.status_code == 200
    assert (done.json()["state"], done.json()["done_by"]) == ("done", "development")
    assert done.json()["data"] == {"note": "she came"}
    assert done.json()["done_at"] is not None
    assert again.json() == done.json()
    assert again.headers["Idempotent-Replay"] == "true"
    assert log(client) == ["action.changed", "talk"]
    entry = client.get(OF_ADA).json()["items"][0]
    assert entry["data"] == {
        "action_id": planned["id"],
        "before": {"state": "planned", "note": None},
        "after": {"state": "done", "note": "she came"},
    }
    assert (entry["is_intervention"], entry["state"]) == (False, "done")


def test_a_repeated_request_is_a_replay_after_a_change(client: TestClient) -> None:
    key = {"Idempotency-Key": "form-1"}
    first = client.post(OF_ADA, json=STEP, headers=key)
    change(client, first.json(), state="done")
    again = client.post(OF_ADA, json=STEP, headers=key)
    other = client.post(OF_ADA, json={**STEP, "state": "done", "due_on": None}, headers=key)

    assert (again.status_code, again.json()["state"]) == (201, "done")
    assert again.headers["Idempotent-Replay"] == "true"
    assert problem(other) == (409, "action-exists")


def test_a_planned_action_gets_another_day_and_person(client: TestClient) -> None:
    planned = plan(client)
    moved = change(client, planned, due_on=f"{TODAY + days(9):%F}", assigned_to="t2").json()
    free = change(client, planned, due_on=None, assigned_to=None, note="who?").json()

    assert (moved["due_on"], moved["assigned_to_name"]) == (f"{TODAY + days(9):%F}", "Alan Kay")
    assert (free["due_on"], free["assigned_to"], free["assigned_to_name"]) == (None, None, None)
    assert change(client, planned, note=None).json()["data"] is None


def test_an_action_is_withdrawn_and_stays(client: TestClient) -> None:
    planned, done = plan(client), client.post(OF_ADA, json=an_action()).json()
    answers = [change(client, one, state="withdrawn") for one in (planned, done)]
    again = change(client, done, state="withdrawn")
    back = [change(client, done, state="done"), change(client, done, note="no")]

    assert [answer.json()["state"] for answer in answers] == ["withdrawn", "withdrawn"]
    assert again.headers["Idempotent-Replay"] == "true"
    assert [problem(answer) for answer in back] == [(409, "action-unchangeable")] * 2
    assert len(client.get(ACTIONS, params={"state": "withdrawn"}).json()["items"]) == 2


def test_a_done_action_has_no_day_to_change(client: TestClient) -> None:
    done = client.post(OF_ADA, json=an_action()).json()

    assert problem(change(client, done, due_on=STEP["due_on"])) == (409, "action-unchangeable")
    assert change(client, done, due_on=None).headers["Idempotent-Replay"] == "true"
    assert change(client, done, note="short").json()["data"] == {"note": "short"}


def test_entries_of_the_service_stay_as_they_are(client: TestClient) -> None:
    client.patch("/api/v1/students/s001", json={"name": "Ada King"})
    [entry] = client.get(OF_ADA).json()["items"]

    assert problem(change(client, entry, state="withdrawn")) == (409, "action-unchangeable")
    assert problem(change(client, entry, note="x")) == (409, "action-unchangeable")


def test_wrong_changes_are_refused(client: TestClient) -> None:
    planned = plan(client)

    assert problem(change(client, planned, assigned_to="nobody")) == (422, "unknown-reference")
    for fields in ({}, {"state": "planned"}, {"state": None}, {"due_on": "soon"}, {"actor": "x"}):
        assert change(client, planned, **fields).status_code == 422, fields
    assert problem(change(client, {"id": "none"}, state="done")) == (404, "action-not-found")
    assert log(client) == ["talk"]


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "done", "due_on": "2026-12-01"},
        {"state": "done", "assigned_to": "t1"},
        {"state": "withdrawn"},
        {"assigned_to": "nobody"},
        {"due_on": 5},
    ],
)
def test_a_wrong_plan_is_refused(client: TestClient, fields: dict[str, Any]) -> None:
    assert client.post(OF_ADA, json={**STEP, **fields}).status_code == 422
    assert client.get(ACTIONS).json()["items"] == []


def test_steps_of_a_person_are_listed_by_day(client: TestClient) -> None:
    client.post("/api/v1/students", json=a_student(id="s002", email=None))
    for number, (person, student) in enumerate((("t1", "s001"), ("t2", "s001"), ("t1", "s002"))):
        due = None if number == 0 else f"{TODAY + days(3 - number):%F}"
        body = {**STEP, "assigned_to": person, "due_on": due, "action": f"step-{number}"}
        client.post(f"/api/v1/students/{student}/actions", json=body)
    client.post(OF_ADA, json=an_action())

    def steps(**parameters: Any) -> list[str]:
        sent = {"sort": "due_on", "state": "planned", **parameters}
        answer = client.get(ACTIONS, params=sent)
        assert answer.status_code == 200, answer.text
        return [item["action"] for item in answer.json()["items"]]

    first = client.get(ACTIONS, params={"sort": "due_on", "limit": 1}).json()
    second = client.get(ACTIONS, params={"sort": "due_on", "limit": 1, "after": first["next"]})

    assert steps() == ["step-2", "step-1", "step-0"]
    assert steps(assigned_to="t1") == ["step-2", "step-0"]
    assert steps(due_on__lte=f"{TODAY + days(1):%F}") == ["step-2"]
    assert steps(student_id__in="s001,s009") == ["step-1", "step-0"]
    assert steps(state="done") == ["talk.with-student"]
    assert [first["items"][0]["action"], second.json()["items"][0]["action"]] == [
        "step-2",
        "step-1",
    ]


def test_only_done_actions_are_interventions_of_today(client: TestClient) -> None:
    def intervened() -> int:
        figures = client.get("/api/v1/dashboard/cohort").json()
        count: int = figures["intervened_today_count"]
        return count

    earlier = (utc_now() - days(9)).isoformat()
    planned = plan(client, timestamp=earlier)
    before = intervened()
    done = change(client, planned, state="done")
    after = intervened()
    change(client, done.json(), state="withdrawn")

    assert (before, after, intervened()) == (0, 1, 0)


def test_nothing_is_planned_for_an_erased_student(client: TestClient) -> None:
    planned = plan(client, prediction_id="p1", data={"note": "private"})
    client.delete("/api/v1/students/s001")
    [stored] = [
        item for item in client.get(ACTIONS).json()["items"] if item["action"] == planned["action"]
    ]

    assert stored["student_id"] == pseudonym_of("s001")
    assert (stored["state"], stored["due_on"], stored["prediction_id"]) == ("withdrawn", None, None)
    assert stored["data"] is None
    assert problem(change(client, planned, note="x")) == (404, "action-not-found")


def test_planned_actions_move_with_a_merge(client: TestClient) -> None:
    planned = plan(client)
    client.post("/api/v1/students/s001/merge", json={"into": "s002"})
    done = change(client, planned, state="done").json()

    assert (done["student_id"], done["state"]) == ("s002", "done")
