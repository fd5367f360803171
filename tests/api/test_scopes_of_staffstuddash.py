"""Every route of staffstuddash asks for the scope it should."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from shared_db.connection.database import Database
from shared_web.auth.keys import KeyManager, Scope
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.main import create_app
from staffstuddash_service.settings import Settings
from tests.support.factories import a_student, an_action

PREFIX = "/api/v1"


@pytest.fixture
def keys(postgres: Database) -> dict[Scope, str]:
    """Give a key of each scope."""
    manager = KeyManager(postgres)
    return {scope: manager.add_key(f"{scope}-key", [scope]) for scope in Scope}


@pytest.fixture
def client(postgres: Database, keys: dict[Scope, str]) -> Iterator[TestClient]:
    """Give a client of a service that asks for keys."""
    assert keys
    with TestClient(create_app(DatastoreManager(postgres), Settings())) as client:
        yield client


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_reading_needs_read_and_all_else_needs_write(
    client: TestClient, keys: dict[Scope, str]
) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    routes = [
        (method.upper(), path.replace("{student_id}", "s001").replace("{concept_id}", "c001"))
        for path, methods in paths.items()
        if path.startswith(PREFIX)
        for method in methods
    ]
    assert len(routes) == 23

    for method, path in routes:
        needed = Scope.READ if method == "GET" else Scope.WRITE
        for scope in (Scope.READ, Scope.WRITE, Scope.INGEST):
            status = client.request(method, path, headers=bearer(keys[scope])).status_code
            assert (status == 403) == (scope != needed), (method, path, scope, status)
        assert client.request(method, path).status_code == 401


def test_the_keys_name_is_the_actor(client: TestClient, keys: dict[Scope, str]) -> None:
    writer, reader = bearer(keys[Scope.WRITE]), bearer(keys[Scope.READ])
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
    client: TestClient, keys: dict[Scope, str]
) -> None:
    key = {"Idempotency-Key": "form-1"}
    one = client.post(
        f"{PREFIX}/students", json={"name": "Ada"}, headers=bearer(keys[Scope.WRITE]) | key
    )
    other = client.post(
        f"{PREFIX}/students", json={"name": "Ada"}, headers=bearer(keys[Scope.ADMIN]) | key
    )

    assert one.json()["id"] != other.json()["id"]
