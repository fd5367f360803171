"""Server that answered and then hangs, at different moments and with both kinds of pool."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest
from sqlalchemy import text

from shared_db.connection.database import Database
from shared_db.errors import DatabaseBusy, DatabaseUnavailable
from shared_db.resilience.deadlines import time_limit
from shared_db.settings import DatabaseSettings
from staffstuddash_service.models import Base
from tests.e2e.processes import wait_until
from tests.support.freezing import FreezingServer, freezing

POOLS = ["null", "queue"]


@pytest.fixture
def server(migrated_url: str) -> Iterator[FreezingServer]:
    """Yield a server that freezes."""
    with freezing(migrated_url) as server:
        yield server


def database_at(server: FreezingServer, **settings: object) -> Database:
    values = {"database_url": server.url, "database_adding_seconds": 0.4, **settings}
    database = Database.from_settings("test", Base.metadata, DatabaseSettings.load(**values))
    read(database)  # leaves a connection in the pool
    return database


def read(database: Database) -> None:
    with time_limit(0.4), database.reading() as session:
        session.execute(text("SELECT 1"))


def read_snapshot(database: Database) -> None:
    with time_limit(0.4), database.snapshot() as session:
        session.execute(text("SELECT 1"))


def fail_for_its_data(database: Database) -> None:
    with time_limit(0.4), database.unit_of_work() as session:
        session.execute(text("SELECT 1"))
        raise ValueError


def is_up(database: Database) -> bool:
    breaker = database.store.breaker
    return breaker is not None and breaker.is_up


@pytest.mark.parametrize("work", [read_snapshot, fail_for_its_data])
def test_no_request_waits_for_the_rollback_of_a_hanging_server(
    server: FreezingServer, work: Callable[[Database], None]
) -> None:
    with closing(database_at(server)) as database:
        server.freeze(at=b"ROLLBACK")

        with pytest.raises(DatabaseUnavailable):
            server.ended(lambda: work(database))


@pytest.mark.parametrize("pool", POOLS)
def test_a_hanging_server_is_detected_with_either_pool(server: FreezingServer, pool: str) -> None:
    with closing(database_at(server, database_pool=pool)) as database:
        server.freeze()

        def notice() -> bool:
            with pytest.raises(DatabaseUnavailable):
                read(database)
            return wait_until(lambda: not is_up(database), seconds=10)

        assert server.ended(notice)
        assert wait_until(lambda: is_up(database))
        read(database)


def test_a_request_without_a_free_connection_is_refused_soon(server: FreezingServer) -> None:
    few = {"database_pool": "queue", "request_threads": 1}
    with closing(database_at(server, **few)) as database:
        with ExitStack() as held:
            for _ in range(5):  # the connection of the one thread, and four for other work
                held.enter_context(database.reading())
            with pytest.raises(DatabaseBusy, match="in use"):
                read(database)
            assert is_up(database)
        read(database)
