"""PgBouncer in transaction mode: no state of one unit of work reaches the next."""

import pytest
from sqlalchemy import Engine, MetaData, text
from sqlalchemy.exc import DBAPIError

from dropout_service.models import Base as DropoutBase
from shared_db.connection.database import Database
from shared_db.errors import DatabaseBusy
from shared_db.settings import DatabaseSettings
from staffstuddash_service.models import Base as StaffstuddashBase
from tests.support.databases import Pooled, engine_on, role_of
from tests.support.grades import HISTORY
from tests.support.server import role_prefix
from veritas_cli.commands.check import TRIALS
from veritas_cli.migrations import migrate_all

STATE = text(
    "SELECT pg_backend_pid(), current_user, current_setting('statement_timeout'),"
    " current_setting('lock_timeout'), current_setting('transaction_read_only')"
)


@pytest.fixture
def engine(private_url: str, pooled: Pooled) -> Engine:
    """Return an engine on a database through the pooler."""
    return engine_on(pooled(private_url))


@pytest.fixture
def url(private_url: str, pooled: Pooled) -> str:
    """Return the URL of a database through the pooler."""
    return pooled(private_url)


def opened(url: str, service: str, metadata: MetaData = StaffstuddashBase.metadata) -> Database:
    settings = DatabaseSettings.load(database_url=url, database_statement_timeout_seconds=0.3)
    return Database.from_settings(service, metadata, settings)


def state(engine: Engine) -> tuple[object, ...]:
    with engine.connect() as connection:
        return tuple(connection.execute(STATE).one())


@pytest.mark.parametrize("read_only", ["on", "off"])
def test_settings_and_role_are_local_to_the_transaction(
    engine: Engine, url: str, read_only: str
) -> None:
    before = state(engine)
    database = opened(url, "staffstuddash")
    # A unit of work commits: a setting of the session would stay.
    with database.reading() if read_only == "on" else database.unit_of_work() as session:
        inside = tuple(session.execute(STATE).one())
    after = state(engine)

    # The same connection of the server served all three.
    assert inside[0] == before[0] == after[0]
    _, role, statement, lock, is_read_only = inside
    assert (role, statement, is_read_only) == (
        role_of(StaffstuddashBase.metadata),
        "300ms",
        read_only,
    )
    # Not longer than the unit of work may take.
    assert lock.endswith("ms")
    assert before == after


def test_two_services_share_a_connection_each_in_its_role(url: str) -> None:
    databases = [
        opened(url, "staffstuddash"),
        opened(url, "dropout", DropoutBase.metadata),
    ] * 2
    seen = []
    for database in databases:
        with database.unit_of_work() as session:
            seen.append(tuple(session.execute(STATE).one())[:2])

    assert len({backend for backend, _ in seen}) == 1
    roles = [role_of(StaffstuddashBase.metadata), role_of(DropoutBase.metadata)]
    assert [role for _, role in seen] == roles * 2


def test_a_slow_statement_is_given_up(url: str) -> None:
    database = opened(url, "staffstuddash")
    with pytest.raises(DatabaseBusy, match="STATEMENT_TIMEOUT"), database.reading() as session:
        session.execute(text("SELECT pg_sleep(5)"))
    with database.reading() as session:
        assert session.scalar(text("SELECT 1")) == 1


def test_a_read_only_session_cannot_write_and_the_next_one_can(url: str) -> None:
    database = opened(url, "staffstuddash")
    delete = text("DELETE FROM staffstuddash.students")
    with pytest.raises(DBAPIError, match="read-only"), database.reading() as session:
        session.execute(delete)
    with database.unit_of_work() as session:
        session.execute(delete)


@pytest.mark.parametrize("service", TRIALS)
def test_each_manager_writes_and_reads(engine: Engine, service: str) -> None:
    TRIALS[service](Database.for_bind(engine, role=f"{role_prefix()}_{service}"))


def test_migrations_run_through_the_pooler(empty_url: str, pooled: Pooled) -> None:
    engine = engine_on(pooled(empty_url))

    assert migrate_all(engine, role_prefix=role_prefix()) is None
    HISTORY.upgrade(engine)
    HISTORY.downgrade(engine, "base")
    # A migration leaves neither its time-out nor its lock on a connection.
    assert state(engine)[3] == "0"
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM migrations.lease")) == 0
