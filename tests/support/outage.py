"""A PostgreSQL that a test stops and starts again, and a service on it that spools."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from starlette.testclient import TestClient

from shared_db.connection.database import Database
from shared_db.spool.queue import Spool
from shared_web.auth.keys import KeyManager, Scope
from tests.e2e.processes import wait_until
from tests.support.databases import PERSON_SCHEMAS, engine_on
from tests.support.server import role_prefix
from tests.support.services import PARTS
from tests.support.suite_server import made_once
from veritas_cli.migrations import migrate_all
from veritas_cli.postgres.server import THROW_AWAY, LocalPostgres, temporary_postgres
from veritas_cli.processes.ports import free_port


@contextmanager
def server_to_lose() -> Iterator[tuple[LocalPostgres, str]]:
    """Give a migrated server that keeps its port when it is started again, and a key."""
    with TemporaryDirectory(prefix="veritas-", ignore_cleanup_errors=True) as folder:
        server = LocalPostgres(Path(folder), port=free_port(), options=THROW_AWAY)
        _copy(_migrated_data(), server.folder.path)
        try:
            with server:
                keys = KeyManager(Database.for_bind(engine_on(server.url)))
                yield server, keys.add_key("test", [Scope.ADMIN])
        finally:
            server.remove()


def _migrated_data() -> Path:
    """Return the folder of a migrated server that does not run, made once for all workers."""
    with made_once("server") as (place, is_new):
        if is_new:
            with temporary_postgres() as server:
                migrate_all(engine_on(server.url), role_prefix=role_prefix())
                server.stop()
                _copy(server.folder.path, place)
        return place


def _copy(source: Path, target: Path) -> None:
    subprocess.run(["cp", "-aT", source, target], check=True)  # noqa: S607 - the system's own


@contextmanager
def spooling(
    url: str, key: str, folder: Path, service: str = "staffstuddash", **settings: Any
) -> Iterator[TestClient]:
    """Give a client of a service as it runs in production; its keys are looked up each time."""
    values = {"database_url": url, "spool_path": folder, "key_cache_seconds": 0, **settings}
    parts = PARTS[service]
    configured = parts.settings(**values)
    database = Database.from_settings(
        service, parts.metadata, configured, person_schemas=PERSON_SCHEMAS[service]
    )
    manager = parts.manager(database)
    app = parts.create_app(manager, configured)
    try:
        with TestClient(app, headers={"Authorization": f"Bearer {key}"}) as client:
            yield client
    finally:
        if spool := manager.spool.spool:
            spool.close()
        manager.database.close()


def is_settled(client: TestClient) -> bool:
    """Return True if the database is back and the spool is empty."""
    ready = client.get("/readyz").json()
    return bool(ready.get("storage") == "postgresql" and ready["spool"]["waiting"] == 0)


def settled(client: TestClient) -> bool:
    """Wait for that; return True if it came within the time."""
    return wait_until(lambda: is_settled(client))


def spool_in(folder: Path, service: str = "staffstuddash") -> Spool:
    """Return the spool of a service."""
    return Spool.of_service(folder, service)
