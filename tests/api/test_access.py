"""API keys: their scopes and names in requests, and their storage."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

import monitoring_service.main
from monitoring_service.database import MonitoringDatabase
from monitoring_service.models import SourceRules
from monitoring_service.settings import Settings as MonitoringSettings
from shared_db.connection.database import Database
from shared_db.settings import Environment
from shared_web.auth.keys import AccessBase, KeyExists, KeyManager, KeyNotFound, Principal, Scope
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.main import create_app
from staffstuddash_service.settings import Settings
from tests.support.databases import OpenDatabase
from tests.support.factories import a_student, an_action

STUDENTS = "/api/v1/students"
Headers = dict[str, str]


def bearer(key: str) -> Headers:
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture
def keys(postgres: Database) -> KeyManager:
    """Give the keys of the service under test."""
    return KeyManager(postgres)


@pytest.fixture
def reader(keys: KeyManager) -> Headers:
    """Give the headers of a key that may only read."""
    return bearer(keys.add_key("dashboard", [Scope.READ]))


@pytest.fixture
def writer(keys: KeyManager) -> Headers:
    """Give the headers of a key that may only write."""
    return bearer(keys.add_key("form", [Scope.WRITE]))


@pytest.fixture
def client(postgres: Database, reader: Headers) -> Iterator[TestClient]:
    """Give a client of a service in production, for which there is a key."""
    assert reader
    settings = Settings(environment=Environment.PRODUCTION, key_cache_seconds=0)
    with TestClient(create_app(DatastoreManager(postgres), settings)) as client:
        yield client


def test_a_request_without_a_known_key_is_refused(client: TestClient) -> None:
    answer = client.get(STUDENTS)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.json()["type"] == "urn:veritas:problem:unauthenticated"
    assert client.get(STUDENTS, headers=bearer("veritas_guess")).status_code == 401


def test_a_key_is_limited_to_its_scopes(client: TestClient, reader: Headers) -> None:
    assert client.get(STUDENTS, headers=reader).status_code == 200

    refused = client.post(STUDENTS, json=a_student(), headers=reader)

    assert refused.status_code == 403
    assert "write" in refused.json()["detail"]
    assert client.get(f"{STUDENTS}/s001", headers=reader).status_code == 404


def test_a_revoked_key_is_refused(client: TestClient, keys: KeyManager, reader: Headers) -> None:
    keys.revoke_key("dashboard")

    assert client.get(STUDENTS, headers=reader).status_code == 401


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/health", "/docs", "/openapi.json"])
def test_probes_and_the_documentation_need_no_key(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 200


def test_the_actor_of_an_action_is_the_name_of_the_key(
    client: TestClient, reader: Headers, writer: Headers
) -> None:
    client.post(STUDENTS, json=a_student(), headers=writer)
    client.post(f"{STUDENTS}/s001/actions", json=an_action(), headers=writer)
    client.patch(f"{STUDENTS}/s001", json={"name": "Ada King"}, headers=writer)
    client.delete(f"{STUDENTS}/s001", headers=writer)

    actions = client.get("/api/v1/actions", headers=reader).json()["items"]

    assert {action["actor"] for action in actions} == {"form"}
    assert len({action["student_id"] for action in actions}) == 1
    assert {action["action"] for action in actions} == {
        "talk.with-student",
        "student.changed",
        "student.erased",
    }


def test_a_rule_has_the_name_of_the_key(postgres: Database, writer: Headers) -> None:
    settings = MonitoringSettings(environment=Environment.PRODUCTION, monitoring_snapshots=False)
    app = monitoring_service.main.create_app(MonitoringDatabase(postgres), settings)
    rules = {"thresholds": {"latency": {"warning": 1, "critical": 2}}}

    with TestClient(app) as client:
        client.put("/api/v1/monitoring/rules/a", json=rules, headers=writer)

    with postgres.reading() as session:
        row = session.get_one(SourceRules, "a")
    assert (row.updated_by, row.thresholds) == ("form", rules["thresholds"])


def test_an_idempotency_key_belongs_to_one_caller(
    client: TestClient, keys: KeyManager, writer: Headers
) -> None:
    other = bearer(keys.add_key("head", [Scope.ADMIN]))
    ids = {
        client.post(
            STUDENTS, json={"name": "Ada"}, headers={**caller, "Idempotency-Key": "form-1"}
        ).json()["id"]
        for caller in (writer, other)
    }

    assert len(ids) == 2


class TestKeyManager:
    """The manager of keys, on both databases."""

    @pytest.fixture
    def keys(self, open_database: OpenDatabase) -> KeyManager:
        return KeyManager(open_database(AccessBase.metadata), pepper="salt and pepper")

    def test_a_key_identifies_its_name_and_scopes(self, keys: KeyManager) -> None:
        key = keys.add_key("lms", [Scope.INGEST, Scope.READ])

        assert keys.find(key) == Principal("lms", frozenset({Scope.INGEST, Scope.READ}))

    def test_the_key_itself_is_not_stored(self, keys: KeyManager) -> None:
        key = keys.add_key("lms", [Scope.READ])

        [row] = keys.list_keys()

        assert key not in str(vars(row))
        assert len(key) > 40

    def test_a_name_is_used_once_even_after_revoking(self, keys: KeyManager) -> None:
        keys.add_key("lms", [Scope.READ])
        keys.revoke_key("lms")

        with pytest.raises(KeyExists):
            keys.add_key("lms", [Scope.READ])
        assert not keys.has_keys()

    def test_revoking_an_unknown_key_is_refused(self, keys: KeyManager) -> None:
        with pytest.raises(KeyNotFound):
            keys.revoke_key("nobody")

    def test_a_key_is_cached_for_the_configured_time(self, open_database: OpenDatabase) -> None:
        database = open_database(AccessBase.metadata)
        caching, direct = (KeyManager(database, cache_seconds=s) for s in (60, 0))
        key = caching.add_key("lms", [Scope.READ])

        assert caching.cached(key) is None
        assert caching.find(key) == caching.cached(key) is not None
        assert direct.find(key) is not None
        assert direct.cached(key) is None

    def test_a_key_is_unknown_with_another_pepper(self, open_database: OpenDatabase) -> None:
        database = open_database(AccessBase.metadata)
        key = KeyManager(database, pepper="one").add_key("lms", [Scope.READ])

        assert KeyManager(database, pepper="other").find(key) is None
