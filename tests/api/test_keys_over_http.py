"""Keys and roles over HTTP: making, listing, revoking, and the limit of what is granted."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from shared_db.connection.database import Database
from shared_db.settings import Environment
from shared_web.auth.granting import require_grantable
from shared_web.auth.keys import KeyManager
from shared_web.auth.tables import ApiKey
from shared_web.principals import SCOPES, Permission, Person, Principal, Scope
from shared_web.problems import Forbidden
from tests.support.databases import LOOPBACK
from tests.support.services import PARTS

KEYS, ROLES = "/api/v1/keys", "/api/v1/roles"
READ = sorted(SCOPES[Scope.READ])

Send = Callable[..., Response]


@pytest.fixture
def client(postgres: Database) -> Iterator[TestClient]:
    """Give a client of staffstuddash that caches keys for a minute."""
    KeyManager(postgres).add_key("first", [Scope.READ])
    parts = PARTS["staffstuddash"]
    settings = parts.settings(environment=Environment.PRODUCTION, key_cache_seconds=60)
    with TestClient(parts.app(postgres, settings)) as client:
        yield client


@pytest.fixture
def admin(client: TestClient, postgres: Database) -> Send:
    """Give a function that sends a request with a key of the scope `admin`."""
    return sender(client, KeyManager(postgres).add_key("office", [Scope.ADMIN]))


def sender(client: TestClient, key: str) -> Send:
    def send(method: str, path: str, body: Any = None) -> Response:
        return client.request(method, path, json=body, headers={"Authorization": f"Bearer {key}"})

    return send


def by_name(answer: Response) -> dict[str, dict[str, Any]]:
    return {item["name"]: item for item in answer.json()["items"]}


def test_a_key_is_shown_once_and_works(client: TestClient, admin: Send) -> None:
    new = {"name": "lms", "scopes": ["ingest"], "permissions": ["erase"]}
    answer = admin("POST", KEYS, new)
    made = answer.json()
    key = made.pop("key")
    listed = admin("GET", KEYS)

    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store, no-transform"
    assert made == by_name(listed)["lms"]
    assert made["scopes"] == ["ingest"]
    assert made["permissions"] == ["erase", "events.write", "logs.write"]
    assert (made["revoked_at"], made["last_used_at"]) == (None, None)
    assert sender(client, key)("DELETE", "/api/v1/students/nobody").status_code == 404
    assert key not in listed.text


def test_the_hash_of_a_key_is_never_shown(admin: Send, postgres: Database) -> None:
    with postgres.reading() as session:
        secret_hash = session.get_one(ApiKey, "first").secret_hash

    assert secret_hash not in admin("GET", KEYS).text


def test_a_revoked_key_is_refused_at_once(client: TestClient, admin: Send) -> None:
    new = {"name": "lms", "scopes": ["read"]}
    lms = sender(client, admin("POST", KEYS, new).json()["key"])
    before = lms("GET", "/api/v1/students")

    revoked = admin("DELETE", f"{KEYS}/lms")

    assert (before.status_code, revoked.status_code) == (200, 200)
    assert lms("GET", "/api/v1/students").status_code == 401
    assert revoked.json() == by_name(admin("GET", KEYS))["lms"]
    assert revoked.json()["revoked_at"] is not None
    assert admin("POST", KEYS, new).json()["type"] == "urn:veritas:problem:key-exists"
    assert admin("DELETE", f"{KEYS}/nobody").json()["type"] == "urn:veritas:problem:key-not-found"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "lms"}, "permissions"),
        ({"name": "lms", "scopes": ["everything"]}, "scopes.0"),
        ({"name": "lms", "permissions": ["students.teleport"]}, "permissions.0"),
        ({"name": "a/b", "scopes": ["read"]}, "name"),
        ({"scopes": ["read"]}, "name"),
    ],
)
def test_a_malformed_key_is_refused(admin: Send, body: dict[str, Any], field: str) -> None:
    answer = admin("POST", KEYS, body)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert set(by_name(admin("GET", KEYS))) == {"first", "office"}


def test_nobody_gives_a_key_more_than_they_have(
    client: TestClient, admin: Send, postgres: Database
) -> None:
    some = (Scope.READ, Permission.KEYS_MANAGE)
    manager = sender(client, KeyManager(postgres).add_key("manager", some))

    equal = manager("POST", KEYS, {"name": "equal", "scopes": ["read"]})
    more = manager("POST", KEYS, {"name": "more", "scopes": ["read"], "permissions": ["erase"]})
    all_ = manager("POST", KEYS, {"name": "all", "scopes": ["admin"]})
    act_as = admin("POST", KEYS, {"name": "page", "permissions": ["act_as"]})

    assert equal.status_code == 201
    assert [answer.status_code for answer in (more, all_, act_as)] == [403] * 3
    assert "manager lacks erase." in more.json()["detail"]
    assert "students.write" in all_.json()["detail"]
    assert "office lacks act_as." in act_as.json()["detail"]
    assert set(by_name(admin("GET", KEYS))) == {"first", "office", "manager", "equal"}


def test_a_person_who_sees_some_students_gives_no_sight_of_all() -> None:
    def caller(*, sees_all: bool) -> Principal:
        person = Person("t001", ("head",), sees_all=sees_all)
        return Principal("t001", SCOPES[Scope.ADMIN], person)

    require_grantable(caller(sees_all=True), [Permission.STUDENTS_READ], sees_all=True)
    require_grantable(caller(sees_all=False), [Permission.STUDENTS_READ], sees_all=False)
    with pytest.raises(Forbidden, match="every student"):
        require_grantable(caller(sees_all=False), [Permission.STUDENTS_READ], sees_all=True)


def test_a_role_is_stored_replaced_and_deleted(admin: Send) -> None:
    path = f"{ROLES}/nurse"
    new = {"permissions": ["students.read"], "sees_all": True}
    role = {"name": "nurse", "is_built_in": False, **new}

    first = admin("PUT", path, new)
    found = admin("GET", path)
    listed = by_name(admin("GET", ROLES))
    second = admin("PUT", path, {"permissions": ["roster.read", "students.read"]})

    assert (first.status_code, first.json()) == (201, role)
    assert found.json() == listed["nurse"] == role
    assert listed["teacher"]["is_built_in"]
    assert (second.status_code, second.json()["permissions"]) == (
        200,
        ["roster.read", "students.read"],
    )
    assert admin("DELETE", path).status_code == 204
    for method in ("GET", "DELETE"):
        assert admin(method, path).json()["type"] == "urn:veritas:problem:role-not-found"


def test_a_built_in_role_is_not_changed(admin: Send) -> None:
    for method, body in (("PUT", {"permissions": ["students.read"]}), ("DELETE", None)):
        answer = admin(method, f"{ROLES}/teacher", body)
        assert answer.json()["type"] == "urn:veritas:problem:role-built-in"


def test_nobody_gives_a_role_more_than_they_have(
    client: TestClient, admin: Send, postgres: Database
) -> None:
    some = (Scope.READ, Permission.PEOPLE_MANAGE)
    manager = sender(client, KeyManager(postgres).add_key("manager", some))

    refused = manager("PUT", f"{ROLES}/nurse", {"permissions": ["students.read", "erase"]})

    assert refused.status_code == 403
    assert "manager lacks erase." in refused.json()["detail"]
    assert admin("GET", f"{ROLES}/nurse").status_code == 404
    assert manager("PUT", f"{ROLES}/nurse", {"permissions": READ}).status_code == 201


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("Nurse", {"permissions": ["students.read"]}, "name"),
        ("nurse", {"permissions": []}, "permissions"),
        ("nurse", {"permissions": ["students.teleport"]}, "permissions.0"),
    ],
)
def test_a_malformed_role_is_refused(
    admin: Send, path: str, body: dict[str, Any], field: str
) -> None:
    answer = admin("PUT", f"{ROLES}/{path}", body)

    assert answer.status_code == 422
    assert field in answer.text


def test_the_in_memory_store_has_no_keys_and_the_built_in_roles() -> None:
    parts = PARTS["staffstuddash"]
    settings = parts.settings(environment=Environment.DEVELOPMENT)
    app = parts.app(Database.in_memory(parts.metadata), settings)
    with TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000)) as client:
        answers = [
            client.get(KEYS),
            client.post(KEYS, json={"name": "lms", "scopes": ["read"]}),
            client.delete(f"{KEYS}/lms"),
            client.put(f"{ROLES}/nurse", json={"permissions": ["students.read"]}),
            client.delete(f"{ROLES}/nurse"),
        ]
        roles = by_name(client.get(ROLES))

    assert [answer.status_code for answer in answers] == [501] * 5
    assert {*roles} == {"admin", "principal", "advisor", "teacher", "student"}
