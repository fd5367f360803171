"""Fixtures: databases of the tests, and each service on PostgreSQL and in memory."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, MetaData, create_engine, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool
from starlette.testclient import TestClient

from dropout_service.database import PERSON_SCHEMAS as DROPOUT_SCHEMAS
from dropout_service.database import DropoutDatabaseManager
from monitoring_service.database import MonitoringDatabase
from shared_db.connection.database import Database
from shared_db.connection.deferred_opening import DEFERRING
from shared_db.connection.engine import normalised_url
from shared_db.connection.roles import person_role_name, role_name
from shared_db.settings import Environment, Fallback
from staffstuddash_service.datastore import PERSON_SCHEMAS as STAFFSTUDDASH_SCHEMAS
from staffstuddash_service.datastore import DatastoreManager
from tests.support.pgbouncer import is_installed, pooler
from tests.support.server import admin_url, create_database, drop_database, new_name, role_prefix
from tests.support.services import PARTS
from tests.support.suite_server import made_once
from veritas_cli.migrations import SERVICES, migrate_all

OpenDatabase = Callable[[MetaData], Database]
Pooled = Callable[[str], str]

# Address of a client on this machine, the only one admitted without keys.
LOOPBACK = "127.0.0.1"
PERSON_SCHEMAS: dict[str, Sequence[str]] = {
    "staffstuddash": STAFFSTUDDASH_SCHEMAS,
    "dropout": DROPOUT_SCHEMAS,
    "monitoring": (),
}


def engine_on(url: str) -> Engine:
    """Return an engine that keeps no connection, so that its database can be copied or dropped."""
    return create_engine(
        normalised_url(url),
        poolclass=NullPool,
        hide_parameters=True,
        connect_args=DEFERRING,
        use_native_hstore=False,
    )


def waits_for_a_lock(engine: Engine) -> bool:
    """Return True if a transaction waits for a lock in the engine's database."""
    query = text(
        "SELECT count(*) > 0 FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    with engine.connect() as connection:
        return connection.scalar(query) is True


def role_of(metadata: MetaData) -> str:
    """Return the role of the service that owns the tables; `none` for tables of a test."""
    schema = str(metadata.schema)
    is_of_a_service = schema in {history.schema for history in SERVICES}
    return role_name(role_prefix(), schema) if is_of_a_service else "none"


def service_database(bind: Engine | Connection, metadata: MetaData) -> Database:
    """Return a service's database on PostgreSQL, in its role, or that for persons in a request."""
    role, schema = role_of(metadata), str(metadata.schema)
    schemas = PERSON_SCHEMAS.get(schema)
    return Database.for_bind(
        bind,
        role=role,
        person_role=person_role_name(role_prefix(), schema) if schemas else None,
        person_schemas=schemas,
    )


def become_owner(session: Session) -> None:
    """Leave the service's role until the transaction ends: a service may not drop tables."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL ROLE none"))


@pytest.fixture(scope="session")
def template_name() -> str:
    """Return the name of the run's migrated database, a template without connections."""
    admin = admin_url()
    with made_once("template") as (place, is_new):
        if is_new:
            name = new_name()
            migrate_all(engine_on(create_database(admin, name)), role_prefix=role_prefix())
            place.write_text(name)
        return place.read_text()


@pytest.fixture(scope="session")
def migrated_url(template_name: str) -> Iterator[str]:
    """Give the URL of a migrated database in which tests roll back their changes."""
    name = new_name()
    yield create_database(admin_url(), name, template=template_name)
    drop_database(admin_url(), name)


@pytest.fixture(scope="session")
def migrated_engine(migrated_url: str) -> Engine:
    """Give the engine of all tests that roll back; it caches compiled statements."""
    return engine_on(migrated_url)


@pytest.fixture
def private_url(template_name: str) -> Iterator[str]:
    """Give the URL of a migrated database for one test."""
    name = new_name()
    yield create_database(admin_url(), name, template=template_name)
    drop_database(admin_url(), name)


@pytest.fixture
def empty_url() -> Iterator[str]:
    """Give the URL of an empty database for one test."""
    name = new_name()
    yield create_database(admin_url(), name)
    drop_database(admin_url(), name)


@pytest.fixture(scope="session")
def pooled() -> Iterator[Pooled]:
    """Give a function from a database's URL to its URL through PgBouncer."""
    if not is_installed():
        pytest.skip("PgBouncer is not installed")
    with pooler(admin_url()) as running:
        yield running.over_tcp


@pytest.fixture(params=["postgresql", "memory"])
def open_database(request: pytest.FixtureRequest) -> Iterator[OpenDatabase]:
    """Open a service's database: PostgreSQL, rolled back after the test, and in memory."""
    if request.param == "memory":
        yield from _in_memory()
        return
    engine: Engine = request.getfixturevalue("migrated_engine")
    with engine.connect() as connection, connection.begin() as transaction:
        yield partial(service_database, connection)
        transaction.rollback()


@pytest.fixture(params=["postgresql", "memory"])
def open_own_database(request: pytest.FixtureRequest) -> Iterator[OpenDatabase]:
    """Open a database for many threads, on both stores."""
    yield from _own_database(request)


@pytest.fixture(params=["postgresql", "pgbouncer", "memory"])
def open_pooled_database(request: pytest.FixtureRequest) -> Iterator[OpenDatabase]:
    """Open one also through a pooler in transaction mode, if one is installed.

    For tests of the mechanism that all queries use; no query may change its session.
    """
    yield from _own_database(request)


def _own_database(request: pytest.FixtureRequest) -> Iterator[OpenDatabase]:
    if request.param == "memory":
        yield from _in_memory()
        return
    url: str = request.getfixturevalue("private_url")
    if request.param == "pgbouncer":
        url = request.getfixturevalue("pooled")(url)
    engine = engine_on(url)
    yield partial(service_database, engine)
    engine.dispose()


def _in_memory() -> Iterator[OpenDatabase]:
    opened: list[Database] = []

    def open_one(metadata: MetaData) -> Database:
        opened.append(Database.in_memory(metadata))
        return opened[-1]

    yield open_one
    for database in opened:
        database.close()


@pytest.fixture
def postgres(migrated_engine: Engine) -> Iterator[Database]:
    """Give PostgreSQL, rolled back after the test, for features that memory does not have."""
    with migrated_engine.connect() as connection, connection.begin() as transaction:
        yield Database.for_bind(connection, role="none")
        transaction.rollback()


@pytest.fixture
def datastore(open_database: OpenDatabase) -> DatastoreManager:
    """Give the manager of staffstuddash on both stores."""
    return DatastoreManager(open_database(PARTS["staffstuddash"].metadata))


@pytest.fixture
def db_manager(open_database: OpenDatabase) -> DropoutDatabaseManager:
    """Give the manager of dropout on both stores."""
    return DropoutDatabaseManager(open_database(PARTS["dropout"].metadata))


@pytest.fixture
def monitoring(open_database: OpenDatabase) -> MonitoringDatabase:
    """Give the manager of monitoring on both stores."""
    return MonitoringDatabase(open_database(PARTS["monitoring"].metadata))


@pytest.fixture
def staffstuddash_client(datastore: DatastoreManager) -> Iterator[TestClient]:
    """Give a client of staffstuddash on both stores, as a developer without keys."""
    yield from _client("staffstuddash", datastore)


@pytest.fixture
def dropout_client(db_manager: DropoutDatabaseManager) -> Iterator[TestClient]:
    """Give a client of dropout on both stores, as a developer without keys."""
    yield from _client("dropout", db_manager)


@pytest.fixture
def monitoring_client(monitoring: MonitoringDatabase) -> Iterator[TestClient]:
    """Give a client of monitoring on both stores, as a developer without keys."""
    yield from _client("monitoring", monitoring)


def _client(service: str, manager: Any) -> Iterator[TestClient]:
    parts = PARTS[service]
    # Without a fallback there is no background replay, so a test may be one connection.
    # Imports would use the connection of the test, too.
    settings = parts.settings(
        environment=Environment.DEVELOPMENT, fallback=Fallback.OFF, imports_seconds=0
    )
    app = parts.create_app(manager, settings)
    with TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000)) as client:
        yield client


def run_script(connection: Connection, script: str) -> None:
    """Run the statements one by one like psql: in one batch, CONCURRENTLY is refused."""
    for statement in filter(str.strip, script.split(";\n\n")):
        connection.exec_driver_sql(f"{statement};")
