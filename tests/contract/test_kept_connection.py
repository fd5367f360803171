"""Units of work that reuse a connection: each is a transaction, and a failure closes it."""

from collections.abc import Iterable
from contextlib import closing

import pytest
from sqlalchemy import text

from shared_db.connection.database import Database
from shared_db.connection.reuse import reuse_connection
from shared_db.errors import DatabaseUnavailable
from shared_db.settings import DatabaseSettings
from staffstuddash_service.models import Base
from tests.support.databases import engine_on


@pytest.fixture
def database(private_url: str) -> Database:
    """Return a database of its own."""
    return Database.for_bind(engine_on(private_url))


def backend_of(database: Database) -> int:
    """Return the process id of the server's backend for a unit of work."""
    with database.unit_of_work() as session:
        return session.scalar(text("SELECT pg_backend_pid()")) or 0


def add_limits(database: Database, source: str) -> None:
    query = text(
        "INSERT INTO monitoring.source_rules (source, thresholds, updated_at, updated_by)"
        " VALUES (:source, '{}', now(), 'ada')"
    )
    with database.unit_of_work() as session:
        session.execute(query, {"source": source})
        if source == "bad":
            raise RuntimeError


def sources(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.scalars(text("SELECT source FROM monitoring.source_rules")))


def test_the_connection_is_shared_within_the_context_only(database: Database) -> None:
    outside = {backend_of(database), backend_of(database)}
    with reuse_connection():
        within = {backend_of(database), backend_of(database)}
    after = backend_of(database)

    assert len(outside) == 2
    assert len(within) == 1
    assert after not in within


def test_each_unit_of_work_is_committed_or_rolled_back_alone(database: Database) -> None:
    with reuse_connection():
        add_limits(database, "good")
        assert sources(database) == ["good"]
        with pytest.raises(RuntimeError):
            add_limits(database, "bad")
        assert sources(database) == ["good"]


def test_settings_do_not_reach_the_next_unit_of_work(database: Database) -> None:
    with reuse_connection():
        with database.reading() as session:
            assert session.scalar(text("SHOW transaction_read_only")) == "on"
        add_limits(database, "good")

    assert sources(database) == ["good"]


def end(url: str, backends: Iterable[int]) -> None:
    """Terminate these backends, as an administrator does, and wait until they are gone."""
    with engine_on(url).connect() as other:
        for backend in backends:
            other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": backend})


def two_at_once(database: Database) -> set[int]:
    """Return the backends of two units of work, one inside the other."""
    with database.reading() as session:
        return {session.scalar(text("SELECT pg_backend_pid()")) or 0, backend_of(database)}


def test_a_stale_reused_connection_is_replaced(private_url: str) -> None:
    settings = DatabaseSettings.load(database_url=private_url)
    with closing(Database.from_settings("test", Base.metadata, settings)) as database:
        with reuse_connection():
            first = backend_of(database)
            end(private_url, [first])
            second = backend_of(database)
            third = backend_of(database)

        assert first != second == third
        database.require_available()


def test_a_stale_pooled_connection_is_replaced(private_url: str) -> None:
    settings = DatabaseSettings.load(database_url=private_url, database_pool="queue")
    with closing(Database.from_settings("test", Base.metadata, settings)) as database:
        first = two_at_once(database)
        end(private_url, first)

        assert first.isdisjoint(two_at_once(database))
        database.require_available()


def test_a_connection_closed_during_a_unit_of_work_fails(
    database: Database, private_url: str
) -> None:
    with reuse_connection():
        first = backend_of(database)
        with pytest.raises(DatabaseUnavailable), database.unit_of_work() as session:
            session.execute(text("SELECT 1"))
            end(private_url, [first])
            session.execute(text("SELECT 1"))
        assert backend_of(database) != first
