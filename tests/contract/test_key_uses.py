"""Last uses of keys: noted by requests, stored in the background."""

import asyncio
from datetime import datetime

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_web.auth.key_uses import KeyUses, storing
from shared_web.auth.keys import KeyManager, Scope
from tests.support.databases import become_owner, engine_on, role_of
from tests.support.services import PARTS


def last_use(database: Database, name: str) -> datetime | None:
    [found] = [key.last_used_at for key in KeyManager(database).list_keys() if key.name == name]
    return found


@pytest.mark.parametrize("service", PARTS)
def test_a_service_stores_the_last_use_when_it_stops(service: str, private_url: str) -> None:
    parts, engine = PARTS[service], engine_on(private_url)
    key = KeyManager(Database.for_bind(engine)).add_key("lms", [Scope.READ])
    database = Database.for_bind(engine, role=role_of(parts.metadata))
    before = utc_now()
    with TestClient(parts.app(database, parts.settings())) as client:
        for sent in (key, key, "veritas_unknown"):
            client.get("/api/v1/me", headers={"Authorization": f"Bearer {sent}"})
        during = last_use(Database.for_bind(engine), "lms")

    used_at = last_use(Database.for_bind(engine), "lms")
    assert during is None
    assert used_at is not None
    assert before <= used_at <= utc_now()
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT key_name, service FROM access.key_uses"))
        assert [tuple(row) for row in rows] == [("lms", service)]


def test_the_latest_use_of_all_processes_is_kept(postgres: Database) -> None:
    KeyManager(postgres).add_key("lms", [Scope.READ])
    early, late, elsewhere = (KeyUses(postgres, name) for name in ("a", "a", "b"))
    for uses in (early, late):
        uses.note("lms")
    late.store()
    latest = last_use(postgres, "lms")
    early.store()

    assert last_use(postgres, "lms") == latest
    elsewhere.note("lms")
    elsewhere.store()
    assert last_use(postgres, "lms") != latest


def test_uses_are_stored_again_and_again_and_a_failure_is_logged_and_made_up_for(
    private_url: str,
) -> None:
    database = Database.for_bind(engine_on(private_url))
    KeyManager(database).add_key("lms", [Scope.READ])
    uses = KeyUses(database, "dropout")

    def rename(old: str, new: str) -> None:
        with database.unit_of_work() as session:
            become_owner(session)
            session.execute(text(f"ALTER TABLE access.{old} RENAME TO {new}"))

    async def run() -> None:
        rename("key_uses", "gone")
        async with storing(uses, seconds=0.01):
            uses.note("lms")
            while not logged:
                await asyncio.sleep(0.01)
            rename("gone", "key_uses")
            while await asyncio.to_thread(last_use, database, "lms") is None:
                await asyncio.sleep(0.01)

    with capture_logs() as logged:
        asyncio.run(asyncio.wait_for(run(), timeout=30))

    assert {(line["event"], line["sqlstate"]) for line in logged} == {
        ("uses of keys cannot be stored", "42P01")
    }
