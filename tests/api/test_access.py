"""Keys, and admission without keys on a developer's own machine."""

import pytest
from starlette.testclient import TestClient

from shared_db.connection.database import Database
from shared_db.errors import ConfigurationError
from shared_db.settings import Environment
from shared_web.auth.keys import AccessBase, KeyExists, KeyManager, KeyNotFound, Principal, Scope
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.main import create_app
from staffstuddash_service.models import Base
from staffstuddash_service.settings import Settings
from tests.support.databases import OpenDatabase

STUDENTS = "/api/v1/students"


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_a_revoked_key_is_refused(postgres: Database) -> None:
    keys = KeyManager(postgres)
    reader = bearer(keys.add_key("dashboard", [Scope.READ]))
    settings = Settings(environment=Environment.PRODUCTION, key_cache_seconds=0)
    with TestClient(create_app(DatastoreManager(postgres), settings)) as client:
        assert client.get(STUDENTS, headers=reader).status_code == 200
        keys.revoke_key("dashboard")

        assert client.get(STUDENTS, headers=reader).status_code == 401


def test_without_keys_production_does_not_start(postgres: Database) -> None:
    app = create_app(DatastoreManager(postgres), Settings(environment=Environment.PRODUCTION))

    with pytest.raises(ConfigurationError, match="veritas keys add"), TestClient(app):
        pass


def test_without_keys_development_does_not_listen_to_the_network(postgres: Database) -> None:
    settings = Settings(environment=Environment.DEVELOPMENT, host="0.0.0.0")  # noqa: S104 - refused
    app = create_app(DatastoreManager(postgres), settings)

    with pytest.raises(ConfigurationError, match="loopback"), TestClient(app):
        pass


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"environment": "production"}, "DATABASE_URL is not set"),
        ({"environment": "development", "host": "192.0.2.7"}, "loopback"),
        ({"environment": "development", "workers": 2}, "WORKERS=2 needs PostgreSQL"),
    ],
)
def test_memory_is_for_one_developer_on_one_machine(settings: dict[str, object], said: str) -> None:
    database = Database.in_memory(Base.metadata)
    app = create_app(DatastoreManager(database), Settings.load(**settings))

    with pytest.raises(ConfigurationError, match=said), TestClient(app):
        pass

    database.close()


@pytest.mark.parametrize(
    ("host", "caller", "status"),
    [
        ("127.0.0.1", "127.0.0.1", 200),
        ("localhost", "127.0.0.1", 200),
        ("[::1]", "::1", 200),
        ("evil.example", "127.0.0.1", 403),
        ("127.0.0.1", "192.0.2.7", 403),
    ],
)
def test_the_open_door_is_for_this_machine_only(host: str, caller: str, status: int) -> None:
    database = Database.in_memory(Base.metadata)
    app = create_app(DatastoreManager(database), Settings(environment=Environment.DEVELOPMENT))

    with TestClient(app, f"http://{host}", client=(caller, 50000)) as client:
        assert client.get(STUDENTS).status_code == status

    database.close()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Forwarded-For": "127.0.0.1, ::1"}, 200),
        ({"X-Forwarded-For": "127.0.0.1, 192.0.2.7"}, 403),
        ({"X-Forwarded-For": "192.0.2.7, 127.0.0.1"}, 403),
        ({"X-Real-IP": "192.0.2.7"}, 403),
        ({"Forwarded": "for=192.0.2.7"}, 403),
    ],
)
def test_the_open_door_is_not_for_whom_a_proxy_brings(headers: dict[str, str], status: int) -> None:
    database = Database.in_memory(Base.metadata)
    app = create_app(DatastoreManager(database), Settings(environment=Environment.DEVELOPMENT))

    with TestClient(app, "http://127.0.0.1", client=("127.0.0.1", 50000)) as client:
        assert client.get(STUDENTS, headers=headers).status_code == status

    database.close()


class TestKeyManager:
    """The keys themselves, on both stores."""

    @pytest.fixture
    def keys(self, open_database: OpenDatabase) -> KeyManager:
        return KeyManager(open_database(AccessBase.metadata), pepper="salt and pepper")

    def test_a_key_stands_for_its_name_and_scopes(self, keys: KeyManager) -> None:
        key = keys.add_key("lms", [Scope.INGEST, Scope.READ])

        found = keys.find(key)

        assert found is not None
        assert found == Principal("lms", frozenset({Scope.INGEST, Scope.READ}))

    def test_the_key_itself_is_not_stored(self, keys: KeyManager) -> None:
        key = keys.add_key("lms", [Scope.READ])

        [row] = keys.list_keys()

        assert key not in str(vars(row))
        assert len(key) > 40

    def test_a_name_is_given_once_even_after_revoking(self, keys: KeyManager) -> None:
        keys.add_key("lms", [Scope.READ])
        keys.revoke_key("lms")

        with pytest.raises(KeyExists):
            keys.add_key("lms", [Scope.READ])
        assert not keys.has_keys()

    def test_revoking_an_unknown_key_is_refused(self, keys: KeyManager) -> None:
        with pytest.raises(KeyNotFound):
            keys.revoke_key("nobody")

    def test_a_found_key_is_remembered_only_as_long_as_asked(
        self, open_database: OpenDatabase
    ) -> None:
        database = open_database(AccessBase.metadata)
        patient, forgetful = (KeyManager(database, cache_seconds=s) for s in (60, 0))
        key = patient.add_key("lms", [Scope.READ])

        assert patient.remembered(key) is None
        assert patient.find(key) == patient.remembered(key) is not None
        assert forgetful.find(key) is not None
        assert forgetful.remembered(key) is None

    def test_another_pepper_does_not_know_the_key(self, open_database: OpenDatabase) -> None:
        database = open_database(AccessBase.metadata)
        key = KeyManager(database, pepper="one").add_key("lms", [Scope.READ])

        assert KeyManager(database, pepper="other").find(key) is None
