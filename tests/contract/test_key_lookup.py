"""Look-ups of keys: one query for many requests, and none for unknown keys."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from shared_db.connection.database import Database
from shared_db.errors import DatabaseUnavailable
from shared_db.spool.store import SpoolStore
from shared_web.auth.key_lookup import KeyLookup
from shared_web.auth.keys import KeyManager, Principal, Scope
from shared_web.auth.offline_keys import OfflineKeyCache
from shared_web.principals import SCOPES, Permission
from shared_web.problems import TooManyRequests
from tests.support.databases import engine_on

HERE = "192.0.2.7"
DASHBOARD = Principal.of_scopes("dashboard", [Scope.READ])


@pytest.fixture
def engine(private_url: str) -> Iterator[Engine]:
    """Give an engine for many threads."""
    engine = engine_on(private_url)
    yield engine
    engine.dispose()


@pytest.fixture
def keys(engine: Engine) -> KeyManager:
    return KeyManager(Database.for_bind(engine, role="none"), cache_seconds=30)


@pytest.fixture
def elsewhere(engine: Engine) -> KeyManager:
    """Give the manager of another process."""
    return KeyManager(Database.for_bind(engine, role="none"))


@contextmanager
def queries(engine: Engine) -> Iterator[list[str]]:
    """Collect the queries on the keys."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_others: object) -> None:
        if "api_keys" in statement:
            asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield asked
    event.remove(engine, "before_cursor_execute", note)


def test_many_requests_with_one_key_share_a_query(
    engine: Engine, keys: KeyManager, elsewhere: KeyManager
) -> None:
    key = elsewhere.add_key("dashboard", [Scope.READ])
    lookup = KeyLookup(keys)

    async def ask() -> list[Principal | None]:
        return await asyncio.gather(*(lookup.find(key, HERE) for _ in range(50)))

    with queries(engine) as asked:
        assert asyncio.run(ask()) == [DASHBOARD] * 50

    # All keys in force, then this one.
    assert len(asked) == 2


def test_unknown_keys_share_one_query(engine: Engine, keys: KeyManager) -> None:
    lookup = KeyLookup(keys)

    async def ask() -> list[Principal | None]:
        unknown = (lookup.find(f"veritas_{n}", f"192.0.2.{n % 250}") for n in range(500))
        return await asyncio.gather(*unknown)

    with queries(engine) as asked:
        assert asyncio.run(ask()) == [None] * 500

    assert len(asked) == 1


def test_too_many_unknown_keys_from_one_address_are_refused(keys: KeyManager) -> None:
    lookup = KeyLookup(keys)

    async def ask(address: str) -> int:
        """Return the number of requests out of a hundred that are not refused."""
        asked = (lookup.find("veritas_unknown", address) for _ in range(100))
        answers = await asyncio.gather(*asked, return_exceptions=True)
        refusals = [answer for answer in answers if isinstance(answer, TooManyRequests)]
        assert {refusal.retry_after_seconds for refusal in refusals} == {1}
        return len(answers) - len(refusals)

    assert 20 <= asyncio.run(ask(HERE)) <= 25
    assert 20 <= asyncio.run(ask("2001:db8::1")) <= 25
    # The whole network of that address is one client.
    assert asyncio.run(ask("2001:db8::2")) <= 5


def test_a_key_in_force_is_admitted_from_an_address_over_its_limit(
    keys: KeyManager, elsewhere: KeyManager
) -> None:
    """Even if this process has never looked it up."""
    key = elsewhere.add_key("dashboard", [Scope.READ])
    lookup = KeyLookup(keys)

    async def attack() -> Principal | None:
        with pytest.raises(TooManyRequests):
            for _ in range(100):
                await lookup.find("veritas_unknown", HERE)
        return await lookup.find(key, HERE)

    assert asyncio.run(attack()) == DASHBOARD


def test_a_new_key_is_known_after_all_keys_are_read_again(
    keys: KeyManager, elsewhere: KeyManager
) -> None:
    lookup = KeyLookup(keys)

    async def until_found(key: str) -> Principal | None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                found = await lookup.find(key, HERE)
            except TooManyRequests:
                found = None
            if found is not None:
                return found
            await asyncio.sleep(0.05)
        return None

    assert asyncio.run(lookup.find("veritas_unknown", HERE)) is None
    assert asyncio.run(until_found(elsewhere.add_key("dashboard", [Scope.READ]))) == DASHBOARD


def test_a_new_key_is_known_at_once_to_the_process_that_made_it(keys: KeyManager) -> None:
    lookup = KeyLookup(keys)

    assert asyncio.run(lookup.find("veritas_unknown", HERE)) is None
    assert asyncio.run(lookup.find(keys.add_key("dashboard", [Scope.READ]), HERE)) == DASHBOARD


def test_a_look_up_that_began_before_the_revocation_is_not_remembered(
    engine: Engine, keys: KeyManager, elsewhere: KeyManager
) -> None:
    key = elsewhere.add_key("dashboard", [Scope.READ])

    def revoke(_connection: object, _cursor: object, statement: str, *_others: object) -> None:
        if "secret_hash = " in statement:
            keys.revoke_key("dashboard")

    event.listen(engine, "after_cursor_execute", revoke)

    assert keys.find(key) == DASHBOARD
    assert keys.cached(key) is None
    assert keys.find(key) is None


def test_a_revoked_key_is_deleted_from_disk_with_any_look_up(
    engine: Engine, keys: KeyManager, elsewhere: KeyManager, tmp_path: Path
) -> None:
    """Otherwise a key that nobody sent after its revocation would be valid in an outage."""
    spool = SpoolStore(tmp_path / "spool.db")
    known = OfflineKeyCache(spool, 3600)
    keys.use_offline_cache(known)
    key = keys.add_key("dashboard", [Scope.READ])
    assert keys.find(key) == DASHBOARD
    assert known.find(keys.hash_of(key)) is not None
    elsewhere.revoke_key("dashboard")

    restarted = KeyManager(Database.for_bind(engine, role="none"), cache_seconds=30)
    restarted.use_offline_cache(known)
    assert asyncio.run(KeyLookup(restarted).find("veritas_unknown", HERE)) is None

    assert known.find(keys.hash_of(key)) is None
    spool.close()


def test_a_key_keeps_its_permissions_in_an_outage(
    engine: Engine, keys: KeyManager, tmp_path: Path
) -> None:
    spool = SpoolStore(tmp_path / "spool.db")
    keys.use_offline_cache(OfflineKeyCache(spool, 3600))
    key = keys.add_key("office", [Scope.INGEST, Permission.ERASE])
    found = keys.find(key)

    def fail(*_arguments: object) -> None:
        raise DatabaseUnavailable("It is away.")

    event.listen(engine, "before_cursor_execute", fail)
    offline = keys.find(key)
    spool.close()

    assert offline == found == Principal("office", SCOPES[Scope.INGEST] | {Permission.ERASE})


def test_a_failed_look_up_fails_for_all_waiting_requests_only(
    engine: Engine, keys: KeyManager
) -> None:
    key = keys.add_key("dashboard", [Scope.READ])
    lookup = KeyLookup(keys)
    failing = True

    def fail(*_arguments: object) -> None:
        if failing:
            raise DatabaseUnavailable("It is away.")

    async def ask() -> list[Principal | BaseException | None]:
        asked = (lookup.find(key, HERE) for _ in range(10))
        return await asyncio.gather(*asked, return_exceptions=True)

    event.listen(engine, "before_cursor_execute", fail)
    failures = asyncio.run(ask())
    failing = False

    assert {type(failure) for failure in failures} == {DatabaseUnavailable}
    assert asyncio.run(ask()) == [DASHBOARD] * 10
