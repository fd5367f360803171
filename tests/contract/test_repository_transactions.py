"""Transactions of repositories: read-only reads, time-outs and commits, on both stores."""

import pytest
from sqlalchemy import MetaData, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from shared_db.connection.database import Database
from shared_db.errors import DatabaseBusy, QueryTooExpensive
from shared_db.repository import Repository
from tests.support.databases import OpenDatabase, engine_on


class Base(DeclarativeBase):
    metadata = MetaData()


class Note(Base):
    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)


@pytest.fixture
def repository(open_pooled_database: OpenDatabase) -> Repository:
    """Return a repository on a database with one empty table."""
    repository = Repository(open_pooled_database(Base.metadata))
    repository.write(lambda session: Base.metadata.create_all(session.connection()))
    return repository


def add(session: Session) -> None:
    session.add(Note())
    session.flush()


def count(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Note)) or 0


def test_a_read_may_run_twice(repository: Repository) -> None:
    repository.write(add)

    assert [repository.read(count), repository.read(count)] == [1, 1]


def test_a_read_stores_nothing(repository: Repository) -> None:
    if repository.use_fallback:
        repository.read(add)
    else:
        with pytest.raises(DBAPIError, match="read-only transaction"):
            repository.read(add)

    assert repository.read(count) == 0


def test_a_write_returns_the_result_and_is_committed(repository: Repository) -> None:
    def change(session: Session) -> int:
        add(session)
        return count(session)

    assert repository.write(change) == 1
    assert repository.read(count) == 1


def test_a_failed_write_is_rolled_back(repository: Repository) -> None:
    def change(session: Session) -> None:
        add(session)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        repository.write(change)

    assert repository.read(count) == 0


def test_a_write_that_does_not_wait_for_the_disk_is_committed(repository: Repository) -> None:
    repository.write(add, wait_for_disk=False)

    assert repository.read(count) == 1


def test_only_the_transaction_that_asks_for_it_does_not_wait_for_the_disk(
    private_url: str,
) -> None:
    def setting(session: Session) -> str:
        return str(session.scalar(text("SHOW synchronous_commit")))

    engine = engine_on(private_url)
    with engine.begin() as connection:  # the server of the tests never waits for the disk
        name = connection.scalar(text("SELECT quote_ident(current_database())"))
        connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = on"))
    repository = Repository(Database.for_bind(engine))

    assert repository.write(setting, wait_for_disk=False) == "off"
    assert repository.write(setting) == "on"


def test_a_slow_filtered_read_is_too_expensive_and_another_read_busy(private_url: str) -> None:
    def sleep(session: Session) -> None:
        session.execute(text("SELECT pg_sleep(5)"))

    database = Database.for_bind(engine_on(private_url), statement_timeout_seconds=0.1)
    repository = Repository(database)

    with pytest.raises(QueryTooExpensive, match="Narrow it"):
        repository.read_filtered(sleep)
    with pytest.raises(DatabaseBusy, match="took longer"):
        repository.read(sleep)
