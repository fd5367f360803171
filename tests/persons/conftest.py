"""Persons of a small school, and the services to which they sign in."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from sqlalchemy import Connection, Engine
from starlette.testclient import TestClient

from shared_db.connection.database import Database
from shared_web.auth.keys import KeyManager, Scope
from staffstuddash_service.datastore import DatastoreManager, StudentToStore
from staffstuddash_service.domain.roster import IdentifierKind, RosterKind, StaffRole
from tests.support.databases import service_database
from tests.support.issuer import Issuer, running_issuer
from tests.support.rosters import a_person, an_identifier
from tests.support.services import PARTS

Open = Callable[..., TestClient]


@pytest.fixture(scope="session")
def shared_issuer() -> Iterator[Issuer]:
    """Give an issuer that publishes its first key, for tests that change nothing in it."""
    with running_issuer() as issuer:
        yield issuer


@pytest.fixture
def connection(migrated_engine: Engine) -> Iterator[Connection]:
    """Give the connection of the test, rolled back after it."""
    with migrated_engine.connect() as connection, connection.begin() as transaction:
        yield connection
        transaction.rollback()


@pytest.fixture
def datastore(connection: Connection) -> DatastoreManager:
    """Give staffstuddash with staff of each role and two students."""
    manager = DatastoreManager(Database.for_bind(connection, role="none"))
    staff = [
        a_person(f"p-{role}", role=role, email=f"{role}@school.example", username=f"u-{role}")
        for role in StaffRole
    ]
    manager.roster.apply(RosterKind.PERSON, staff, "oneroster")
    for id_, email in (("s001", "Ada@School.example"), ("s002", None)):
        manager.students.add_many([StudentToStore(f"Student {id_}", email, id_)])
    mailbox = an_identifier(
        student_id="s002", kind=IdentifierKind.MAILBOX, value="Bob@school.example"
    )
    account = an_identifier(student_id="s002", value="bob")
    manager.roster.apply(RosterKind.IDENTIFIER, [mailbox, account], "oneroster")
    return manager


@pytest.fixture
def keys(connection: Connection) -> KeyManager:
    """Give the manager of the keys."""
    return KeyManager(Database.for_bind(connection, role="none"))


@pytest.fixture
def open_service(
    datastore: DatastoreManager, connection: Connection, keys: KeyManager, shared_issuer: Issuer
) -> Iterator[Open]:
    """Give a function that opens a service in its role, as it runs in production."""
    assert datastore
    keys.add_key("test", [Scope.READ])
    with ExitStack() as stack:

        def open_one(service: str = "staffstuddash", **settings: Any) -> TestClient:
            parts = PARTS[service]
            database = service_database(connection, parts.metadata)
            values = {"key_cache_seconds": 0, **shared_issuer.settings(), **settings}
            app = parts.app(database, parts.settings(**values))
            return stack.enter_context(TestClient(app))

        yield open_one


def bearer(key_or_token: str, **headers: str) -> dict[str, str]:
    """Return the headers of a request with a key or token."""
    return {"Authorization": f"Bearer {key_or_token}", **headers}
