"""Round trips of units of work: messages to the server, counted on the way."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError

from shared_db.connection.database import Database
from shared_db.errors import NotFound
from shared_db.row_limits import RowLimit, rows_limited_to
from shared_db.settings import DatabaseSettings
from shared_db.writes.copy_from import copy_rows
from staffstuddash_service.datastore import PERSON_SCHEMAS, DatastoreManager
from staffstuddash_service.models import Base, Student
from tests.contract.test_units_of_work import a_row
from tests.support.freezing import FreezingServer, freezing
from tests.support.pgbouncer import is_installed, pooler
from tests.support.server import role_prefix


@pytest.fixture(params=["direct", "pgbouncer"])
def server(request: pytest.FixtureRequest, private_url: str) -> Iterator[FreezingServer]:
    """Yield a proxy of a server with a database of its own, or of a pooler before it."""
    with ExitStack() as stack:
        url = private_url
        if request.param == "pgbouncer":
            if not is_installed():
                pytest.skip("PgBouncer is not installed")
            url = stack.enter_context(pooler(private_url)).over_tcp(private_url)
        yield stack.enter_context(freezing(url))


@pytest.fixture
def datastore(server: FreezingServer) -> Iterator[DatastoreManager]:
    """Yield a manager that knows its role, with one connection in its pool."""
    settings = DatabaseSettings.load(
        database_url=server.url, database_pool="queue", database_role_prefix=role_prefix()
    )
    opened = Database.from_settings("test", Base.metadata, settings, person_schemas=PERSON_SCHEMAS)
    with closing(opened) as database:
        manager = DatastoreManager(database)
        manager.add_student("s001", "Ada")
        with rows_limited_to(RowLimit("p001")), pytest.raises(NotFound):
            manager.get_student("s001")
        server.queries.clear()
        yield manager


def test_a_read_is_one_message(server: FreezingServer, datastore: DatastoreManager) -> None:
    assert datastore.get_student("s001").name == "Ada"

    [query] = server.queries
    assert b"transaction_read_only = 'on'" in query
    assert b"statement_timeout = '9" in query


def test_a_new_student_is_three_messages(
    server: FreezingServer, datastore: DatastoreManager
) -> None:
    datastore.add_student("s002", "Bob")

    assert [query == b"COMMIT" for query in server.queries] == [False, False, True]
    assert datastore.get_performance_record("s002").assessment_count == 0


def test_each_statement_of_a_read_has_the_limits(
    server: FreezingServer, datastore: DatastoreManager
) -> None:
    asked = text("SELECT current_user, current_setting('veritas.person')")
    with rows_limited_to(RowLimit("50% o'p")), datastore.database.reading() as session:
        role, person = session.execute(asked).one()
        assert session.execute(asked).one() == (role, person)
        with pytest.raises(DBAPIError, match="read-only"):
            session.execute(text("CREATE TEMPORARY TABLE marks (mark int)"))

    assert role.endswith("_person")
    assert person == "50% o'p"
    assert len(server.queries) == 4  # the first reads the openings of the person


def test_a_write_opens_with_its_first_statement(
    server: FreezingServer, datastore: DatastoreManager
) -> None:
    with datastore.database.unit_of_work() as session:
        session.execute(insert(Student), [a_row("s002")])
        session.execute(text("SELECT 1"))
    with datastore.database.unit_of_work() as session:
        session.execute(insert(Student), [a_row("s003")])
        session.rollback()
    with datastore.database.unit_of_work():  # asks the server, although it has no statement
        pass
    with pytest.raises(DBAPIError), datastore.database.unit_of_work() as session:
        with suppress(DBAPIError):
            session.execute(text("SELECT 1/0"))
        session.execute(insert(Student), [a_row("s003")])

    firsts = [query.split(maxsplit=1)[0].decode() for query in server.queries]
    assert firsts == [
        *("BEGIN", "SELECT", "COMMIT"),
        *("BEGIN", "ROLLBACK"),
        *("BEGIN", "COMMIT"),
        *("BEGIN", "INSERT", "ROLLBACK"),
    ]
    with datastore.database.reading() as session:
        assert list(session.scalars(select(Student.id))) == ["s001", "s002"]


def test_copy_is_opened_first(server: FreezingServer, datastore: DatastoreManager) -> None:
    with datastore.database.unit_of_work() as session:
        copy_rows(session, Student, [a_row("s002"), a_row("s003")])

    assert [query.split()[0] for query in server.queries] == [b"BEGIN", b"COPY", b"COMMIT"]
    assert b"lock_timeout" in server.queries[0]
