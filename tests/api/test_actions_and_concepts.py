"""Actions and concepts over HTTP, on both stores."""

import pytest
from starlette.testclient import TestClient

from tests.support.factories import NOON, a_concept, a_student, an_action, days

ACTIONS = "/api/v1/actions"
OF_ADA = "/api/v1/students/s001/actions"
CONCEPTS = "/api/v1/concepts"


@pytest.fixture
def client(staffstuddash_client: TestClient) -> TestClient:
    """Give a client of a school with one student."""
    staffstuddash_client.post("/api/v1/students", json=a_student())
    return staffstuddash_client


def test_an_action_has_its_actor(client: TestClient) -> None:
    made = client.post(OF_ADA, json=an_action(data={"note": "wants more"}))

    assert made.status_code == 201
    assert made.json()["actor"] == "development"
    assert made.json()["is_intervention"]
    assert client.get(OF_ADA).json()["items"] == [made.json()]
    assert client.get(ACTIONS).json()["items"] == [made.json()]


def test_an_idempotency_key_identifies_an_action(client: TestClient) -> None:
    key = {"Idempotency-Key": "form-1"}
    first = client.post(OF_ADA, json=an_action(), headers=key)
    again = client.post(OF_ADA, json=an_action(), headers=key)
    other = client.post(OF_ADA, json=an_action(action="call"), headers=key)

    assert again.json() == first.json()
    assert again.headers["Idempotent-Replay"] == "true"
    assert other.status_code == 409
    assert len(client.get(ACTIONS).json()["items"]) == 1


@pytest.mark.parametrize(
    "change",
    [{"action": "Talk with Ada"}, {"action": ""}, {"data": [1]}, {"is_intervention": "yes"}],
)
def test_a_wrong_action_is_refused(client: TestClient, change: dict[str, object]) -> None:
    assert client.post(OF_ADA, json=an_action(**change)).status_code == 422
    assert client.get(ACTIONS).json()["items"] == []


def test_an_action_about_an_unknown_student_is_refused(client: TestClient) -> None:
    assert client.post("/api/v1/students/nobody/actions", json=an_action()).status_code == 404
    assert client.get("/api/v1/students/nobody/actions").status_code == 404


def test_actions_are_listed_latest_first_and_filtered(client: TestClient) -> None:
    for day, action in enumerate(("call", "talk", "call")):
        moment = (NOON + days(day)).isoformat()
        body = an_action(action=action, timestamp=moment, is_intervention=day != 2)
        client.post(OF_ADA, json=body)

    def words(**parameters: str) -> list[str]:
        items = client.get(ACTIONS, params=parameters).json()["items"]
        return [item["action"] for item in items]

    assert words() == ["call", "talk", "call"]
    assert words(action="talk") == ["talk"]
    assert words(is_intervention="false") == ["call"]
    assert words(timestamp__gte=(NOON + days(1)).isoformat()) == ["call", "talk"]
    assert words(student_id="s002") == []
    assert client.get(ACTIONS, params={"verb": "call"}).status_code == 422


def test_concepts_are_stored_once_each(client: TestClient) -> None:
    first = client.post(CONCEPTS, json=a_concept())
    again = client.post(CONCEPTS, json=a_concept())
    other_difficulty = client.post(CONCEPTS, json=a_concept(difficulty=5))
    other_id = client.post(CONCEPTS, json=a_concept(id="f2"))

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotent-Replay"] == "true"
    assert (other_difficulty.status_code, other_id.status_code) == (409, 409)
    assert client.get(CONCEPTS).json()["items"] == [first.json()]


@pytest.mark.parametrize("difficulty", [0, 6, 2.5, "2", None])
def test_a_difficulty_out_of_range_is_refused(client: TestClient, difficulty: object) -> None:
    assert client.post(CONCEPTS, json=a_concept(difficulty=difficulty)).status_code == 422


def test_a_difficulty_can_be_changed(client: TestClient) -> None:
    client.post(CONCEPTS, json=a_concept())

    changed = client.patch(f"{CONCEPTS}/fractions", json={"difficulty": 4})
    unknown = client.patch(f"{CONCEPTS}/nothing", json={"difficulty": 4})

    assert (changed.json()["difficulty"], unknown.status_code) == (4, 404)


def test_concepts_can_be_listed_by_subject(client: TestClient) -> None:
    client.post(CONCEPTS, json=a_concept())
    client.post(CONCEPTS, json=a_concept(id="light", concept="light", subject="Physics"))

    items = client.get(CONCEPTS, params={"subject": "Physics"}).json()["items"]

    assert [item["concept"] for item in items] == ["light"]
