"""A PostgreSQL that a test takes away and brings back, and a service on it that spools."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from starlette.testclient import TestClient

from shared_db.database import Database
from shared_db.spool import Spool
from shared_web.keys import KeyManager, Scope
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.main import create_app
from staffstuddash_service.models import Base
from staffstuddash_service.settings import Settings
from tests.e2e.processes import wait_until
from tests.server import role_prefix
from tests.stores import engine_on
from veritas_cli.histories import migrate_all
from veritas_cli.local_postgres import LocalPostgres, temporary_postgres
from veritas_cli.ports import free_port


@contextmanager
def server_to_lose() -> Iterator[tuple[LocalPostgres, str]]:
    """Give a migrated server that keeps its port when it is started again, and a key."""
    with temporary_postgres(port=free_port()) as server:
        migrate_all(engine_on(server.url), role_prefix=role_prefix())
        yield server, KeyManager(Database.on(engine_on(server.url))).add_key("test", [Scope.ADMIN])


@contextmanager
def spooling_staffstuddash(url: str, key: str, folder: Path) -> Iterator[TestClient]:
    """Give a client of the service as it runs in production; its keys are looked up each time."""
    settings = Settings(database_url=url, spool_path=folder, key_cache_seconds=0)
    database = Database.from_settings("staffstuddash", Base.metadata, settings)
    app = create_app(DatastoreManager(database), settings)
    with TestClient(app, headers={"Authorization": f"Bearer {key}"}) as client:
        yield client
    if spool := database.spool:
        spool.close()
    database.close()


def is_settled(client: TestClient) -> bool:
    """Tell whether the database is back and nothing waits."""
    ready = client.get("/readyz").json()
    return bool(ready.get("storage") == "postgresql" and ready["spool"]["waiting"] == 0)


def settled(client: TestClient) -> bool:
    """Wait until it is; tell whether it came to that."""
    return wait_until(lambda: is_settled(client))


def spool_in(folder: Path) -> Spool:
    """Return the spool of staffstuddash."""
    return Spool.of_service(folder, "staffstuddash")
