"""Units of work that share a connection: each is still a transaction, and a failure ends it."""

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
    """Give a database of its own."""
    return Database.on(engine_on(private_url))


def backend_of(database: Database) -> int:
    """Return the number of the server's process that does a unit of work."""
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


def test_only_within_do_they_share_one(database: Database) -> None:
    outside = {backend_of(database), backend_of(database)}
    with reuse_connection():
        within = {backend_of(database), backend_of(database)}
    after = backend_of(database)

    assert len(outside) == 2
    assert len(within) == 1
    assert after not in within


def test_each_is_committed_or_rolled_back_by_itself(database: Database) -> None:
    with reuse_connection():
        add_limits(database, "good")
        assert sources(database) == ["good"]
        with pytest.raises(RuntimeError):
            add_limits(database, "bad")
        assert sources(database) == ["good"]


def test_settings_of_one_do_not_reach_the_next(database: Database) -> None:
    with reuse_connection():
        with database.reading() as session:
            assert session.scalar(text("SHOW transaction_read_only")) == "on"
        add_limits(database, "good")

    assert sources(database) == ["good"]


def end(url: str, backends: Iterable[int]) -> None:
    """End these processes of the server, as an administrator does, and wait for it."""
    with engine_on(url).connect() as other:
        for backend in backends:
            other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": backend})


def two_at_once(database: Database) -> set[int]:
    """Return the server's processes of two units of work, one inside the other."""
    with database.reading() as session:
        return {session.scalar(text("SELECT pg_backend_pid()")) or 0, backend_of(database)}


def test_one_that_was_ended_meanwhile_is_replaced(private_url: str) -> None:
    settings = DatabaseSettings.load(database_url=private_url)
    with closing(Database.from_settings("test", Base.metadata, settings)) as database:
        with reuse_connection():
            first = backend_of(database)
            end(private_url, [first])
            second = backend_of(database)
            third = backend_of(database)

        assert first != second == third
        database.require_available()


def test_those_of_a_pool_are_replaced_too(private_url: str) -> None:
    settings = DatabaseSettings.load(database_url=private_url, database_pool="queue")
    with closing(Database.from_settings("test", Base.metadata, settings)) as database:
        first = two_at_once(database)
        end(private_url, first)

        assert first.isdisjoint(two_at_once(database))
        database.require_available()


def test_one_that_is_ended_at_work_fails(database: Database, private_url: str) -> None:
    with reuse_connection():
        first = backend_of(database)
        with pytest.raises(DatabaseUnavailable), database.unit_of_work() as session:
            session.execute(text("SELECT 1"))
            end(private_url, [first])
            session.execute(text("SELECT 1"))
        assert backend_of(database) != first
