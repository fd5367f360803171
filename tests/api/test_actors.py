"""Names of keys: recorded with changes, and used to separate callers."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from monitoring_service.models import SourceRules
from shared_db.connection.database import Database
from shared_web.auth.keys import KeyManager, Scope
from shared_web.principals import Permission
from tests.support.factories import a_student, an_action
from tests.support.services import PARTS

PREFIX = "/api/v1"
RULES = {"thresholds": {"latency": {"warning": 1, "critical": 2}}}


@pytest.fixture
def keys(postgres: Database) -> dict[Scope, dict[str, str]]:
    """Give the headers of a key for each scope; that with `write` may erase as well."""
    manager = KeyManager(postgres)
    more = {Scope.WRITE: [Permission.ERASE]}
    keys = {
        scope: manager.add_key(f"{scope}-key", [scope, *more.get(scope, ())]) for scope in Scope
    }
    return {scope: {"Authorization": f"Bearer {key}"} for scope, key in keys.items()}


@pytest.fixture(params=["staffstuddash"])
def client(
    request: pytest.FixtureRequest, postgres: Database, keys: dict[Scope, dict[str, str]]
) -> Iterator[TestClient]:
    """Give a client of a service that asks for keys."""
    assert keys
    parts = PARTS[request.param]
    with TestClient(parts.app(postgres, parts.settings())) as client:
        yield client


def test_the_keys_name_is_the_actor(client: TestClient, keys: dict[Scope, dict[str, str]]) -> None:
    writer, reader = keys[Scope.WRITE], keys[Scope.READ]
    client.post(f"{PREFIX}/students", json=a_student(), headers=writer)
    client.post(f"{PREFIX}/students/s001/actions", json=an_action(), headers=writer)
    client.patch(f"{PREFIX}/students/s001", json={"name": "Ada King"}, headers=writer)
    client.delete(f"{PREFIX}/students/s001", headers=writer)

    actions = client.get(f"{PREFIX}/actions", headers=reader).json()["items"]

    assert {action["actor"] for action in actions} == {"write-key"}
    assert len({action["student_id"] for action in actions}) == 1
    assert {action["action"] for action in actions} == {
        "talk.with-student",
        "student.changed",
        "student.erased",
    }


def test_two_callers_keys_do_not_answer_for_each_other(
    client: TestClient, keys: dict[Scope, dict[str, str]]
) -> None:
    body, key = {"name": "Ada"}, {"Idempotency-Key": "form-1"}
    one = client.post(f"{PREFIX}/students", json=body, headers=keys[Scope.WRITE] | key)
    other = client.post(f"{PREFIX}/students", json=body, headers=keys[Scope.ADMIN] | key)

    assert one.json()["id"] != other.json()["id"]


@pytest.mark.parametrize("client", ["monitoring"], indirect=True)
def test_rules_keep_the_name_of_the_key_that_set_them(
    client: TestClient, keys: dict[Scope, dict[str, str]], postgres: Database
) -> None:
    client.put(f"{PREFIX}/monitoring/rules/a", json=RULES, headers=keys[Scope.WRITE])

    with postgres.reading() as session:
        row = session.get_one(SourceRules, "a")
    assert (row.updated_by, row.thresholds) == ("write-key", RULES["thresholds"])
