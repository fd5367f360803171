"""API keys: revocation, storage and cache."""

import pytest
from starlette.testclient import TestClient

from shared_db.connection.database import Database
from shared_db.settings import Environment
from shared_web.auth.keys import (
    AccessBase,
    ApiKey,
    KeyExists,
    KeyManager,
    KeyNotFound,
    Principal,
    Scope,
)
from shared_web.principals import SCOPES, Permission
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.main import create_app
from staffstuddash_service.settings import Settings
from tests.support.databases import OpenDatabase


def test_a_revoked_key_is_refused(postgres: Database) -> None:
    keys = KeyManager(postgres)
    reader = {"Authorization": f"Bearer {keys.add_key('dashboard', [Scope.READ])}"}
    settings = Settings(environment=Environment.PRODUCTION, key_cache_seconds=0)
    with TestClient(create_app(DatastoreManager(postgres), settings)) as client:
        assert client.get("/api/v1/students", headers=reader).status_code == 200
        keys.revoke_key("dashboard")

        assert client.get("/api/v1/students", headers=reader).status_code == 401


class TestKeyManager:
    """The manager of keys, on both databases."""

    @pytest.fixture
    def keys(self, open_database: OpenDatabase) -> KeyManager:
        return KeyManager(open_database(AccessBase.metadata), pepper="salt and pepper")

    def test_a_key_identifies_its_name_and_scopes(self, keys: KeyManager) -> None:
        key = keys.add_key("lms", [Scope.INGEST, Scope.READ])

        assert keys.find(key) == Principal.of_scopes("lms", [Scope.INGEST, Scope.READ])

    def test_a_key_has_permissions_beside_its_scopes(self, keys: KeyManager) -> None:
        key = keys.add_key("office", [Scope.INGEST, Permission.ERASE])

        found = keys.find(key)

        assert found == Principal("office", SCOPES[Scope.INGEST] | {Permission.ERASE})

    def test_only_the_permission_itself_lets_a_key_act_for_persons(self, keys: KeyManager) -> None:
        admin = keys.find(keys.add_key("admin", Scope))
        page = keys.find(keys.add_key("page", [Permission.ACT_AS]))

        assert admin == Principal("admin", frozenset(Permission) - {Permission.ACT_AS})
        assert page == Principal("page", frozenset({Permission.ACT_AS}))

    def test_words_of_a_newer_release_are_ignored(self, open_database: OpenDatabase) -> None:
        database = open_database(AccessBase.metadata)
        key = KeyManager(database).add_key("lms", [Scope.INGEST])
        with database.unit_of_work() as session:
            session.get_one(ApiKey, "lms").scopes = "everything students.teleport ingest"

        assert KeyManager(database).find(key) == Principal.of_scopes("lms", [Scope.INGEST])

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
