"""A PostgreSQL that a test takes away and brings back, and a service on it that spools."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.testclient import TestClient

import dropout_service.main
import monitoring_service.main
import staffstuddash_service.main
from dropout_service.database import DropoutDatabaseManager
from dropout_service.models import Base as DropoutBase
from dropout_service.settings import Settings as DropoutSettings
from monitoring_service.database import MonitoringDatabase
from monitoring_service.models import Base as MonitoringBase
from monitoring_service.settings import Settings as MonitoringSettings
from shared_db.connection.database import Database
from shared_db.spool.queue import Spool
from shared_web.auth.keys import KeyManager, Scope
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.models import Base as StaffstuddashBase
from staffstuddash_service.settings import Settings as StaffstuddashSettings
from tests.e2e.processes import wait_until
from tests.support.databases import engine_on
from tests.support.server import role_prefix
from veritas_cli.migrations import migrate_all
from veritas_cli.postgres.server import LocalPostgres, temporary_postgres
from veritas_cli.processes.ports import free_port


@contextmanager
def server_to_lose() -> Iterator[tuple[LocalPostgres, str]]:
    """Give a migrated server that keeps its port when it is started again, and a key."""
    with temporary_postgres(port=free_port()) as server:
        migrate_all(engine_on(server.url), role_prefix=role_prefix())
        yield server, KeyManager(Database.on(engine_on(server.url))).add_key("test", [Scope.ADMIN])


@contextmanager
def spooling(
    url: str, key: str, folder: Path, service: str = "staffstuddash", **settings: Any
) -> Iterator[TestClient]:
    """Give a client of a service as it runs in production; its keys are looked up each time."""
    values = {"database_url": url, "spool_path": folder, "key_cache_seconds": 0, **settings}
    database, app = _APPS[service](values)
    try:
        with TestClient(app, headers={"Authorization": f"Bearer {key}"}) as client:
            yield client
    finally:
        if spool := database.spool:
            spool.close()
        database.close()


def _staffstuddash(values: Any) -> tuple[Database, FastAPI]:
    settings = StaffstuddashSettings(**values)
    database = Database.from_settings("staffstuddash", StaffstuddashBase.metadata, settings)
    return database, staffstuddash_service.main.create_app(DatastoreManager(database), settings)


def _monitoring(values: Any) -> tuple[Database, FastAPI]:
    settings = MonitoringSettings(**values)
    database = Database.from_settings("monitoring", MonitoringBase.metadata, settings)
    return database, monitoring_service.main.create_app(MonitoringDatabase(database), settings)


def _dropout(values: Any) -> tuple[Database, FastAPI]:
    settings = DropoutSettings(**values)
    database = Database.from_settings("dropout", DropoutBase.metadata, settings)
    return database, dropout_service.main.create_app(DropoutDatabaseManager(database), settings)


_APPS = {"staffstuddash": _staffstuddash, "monitoring": _monitoring, "dropout": _dropout}


def is_settled(client: TestClient) -> bool:
    """Tell whether the database is back and nothing waits."""
    ready = client.get("/readyz").json()
    return bool(ready.get("storage") == "postgresql" and ready["spool"]["waiting"] == 0)


def settled(client: TestClient) -> bool:
    """Wait until it is; tell whether it came to that."""
    return wait_until(lambda: is_settled(client))


def spool_in(folder: Path, service: str = "staffstuddash") -> Spool:
    """Return the spool of a service."""
    return Spool.of_service(folder, service)
