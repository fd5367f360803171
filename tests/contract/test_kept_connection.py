"""Units of work that share a connection: each is still a transaction, and a failure ends it."""

import pytest
from sqlalchemy import Engine, text

from shared_db.database import Database
from shared_db.errors import DatabaseUnavailable
from shared_db.keeping import keeping_connection
from tests.stores import engine_on


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
    with keeping_connection():
        within = {backend_of(database), backend_of(database)}
    after = backend_of(database)

    assert len(outside) == 2
    assert len(within) == 1
    assert after not in within


def test_each_is_committed_or_rolled_back_by_itself(database: Database) -> None:
    with keeping_connection():
        add_limits(database, "good")
        assert sources(database) == ["good"]
        with pytest.raises(RuntimeError):
            add_limits(database, "bad")
        assert sources(database) == ["good"]


def test_settings_of_one_do_not_reach_the_next(database: Database) -> None:
    with keeping_connection():
        with database.reading() as session:
            assert session.scalar(text("SHOW transaction_read_only")) == "on"
        add_limits(database, "good")

    assert sources(database) == ["good"]


def test_a_lost_connection_is_given_up(database: Database) -> None:
    with keeping_connection():
        first = backend_of(database)
        with engine_on_same(database).connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": first})
        with pytest.raises(DatabaseUnavailable):
            backend_of(database)
        assert backend_of(database) != first


def engine_on_same(database: Database) -> Engine:
    """Return the database's engine, for a connection that is not the kept one."""
    bind = database.store.bind
    assert isinstance(bind, Engine)
    return bind
