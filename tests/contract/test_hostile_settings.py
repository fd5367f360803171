"""Settings of a database or role that change the meaning of statements: ours win."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from sqlalchemy import make_url, text

from shared_db.connection.database import Database
from shared_db.errors import ConfigurationError
from shared_db.settings import DatabaseSettings
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.models import Base
from tests.support.databases import engine_on
from tests.support.server import admin_url, drop_database, new_name

HOSTILE = {
    "default_transaction_isolation": "repeatable read",
    "client_encoding": "LATIN1",
    "TimeZone": "Asia/Kathmandu",
    "DateStyle": "SQL, DMY",
    "IntervalStyle": "iso_8601",
    "transform_null_equals": "on",
    "array_nulls": "off",
}
EXPECTED = {
    "transaction_isolation": "read committed",
    "client_encoding": "UTF8",
    "TimeZone": "UTC",
    "DateStyle": "ISO, DMY",
    "IntervalStyle": "postgres",
    "transform_null_equals": "off",
    "array_nulls": "on",
}


@pytest.fixture
def datastore(private_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[DatastoreManager]:
    """Yield a manager on a database with hostile settings, in a hostile environment."""
    name = make_url(private_url).database
    with engine_on(private_url).begin() as connection:
        for setting, value in HOSTILE.items():
            connection.execute(text(f"ALTER DATABASE {name} SET {setting} = '{value}'"))
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    settings = DatabaseSettings(database_url=private_url, database_adding_seconds=60)
    with closing(Database.from_settings("staffstuddash", Base.metadata, settings)) as database:
        yield DatastoreManager(database)


def test_a_unit_of_work_has_the_required_settings(datastore: DatastoreManager) -> None:
    for opened in (datastore.database.unit_of_work, datastore.database.reading):
        with opened() as session:
            found = {name: session.scalar(text(f"SHOW {name}")) for name in EXPECTED}

        assert found == EXPECTED


@pytest.mark.parametrize("name", ["Müller", "Łukasz", "İpek", "陳"])
def test_every_name_is_stored_and_read_unchanged(datastore: DatastoreManager, name: str) -> None:
    datastore.add_student("s001", name)

    assert datastore.get_student("s001").name == name


def test_marks_of_one_student_can_be_added_in_parallel(datastore: DatastoreManager) -> None:
    datastore.add_student("s001", "Ada")

    def add(number: int) -> None:
        datastore.add_assessment("s001", "quiz", "Math", number, assessment_id=f"m{number}")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(add, range(20)))

    assert datastore.get_performance_record("s001").assessment_count == 20


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_that_cannot_hold_every_name_is_refused_in_one_line(encoding: str) -> None:
    name = new_name()
    with engine_on(admin_url()).execution_options(isolation_level="AUTOCOMMIT").connect() as server:
        server.execute(
            text(f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
        )
    url = make_url(admin_url()).set(database=name).render_as_string(hide_password=False)
    database = Database.from_settings("x", Base.metadata, DatabaseSettings(database_url=url))
    try:
        with pytest.raises(ConfigurationError, match=f"encoded in {encoding}") as refusal:
            _ = database.store
    finally:
        drop_database(admin_url(), name)

    assert "\n" not in str(refusal.value)
