"""Statistics of the planner: after an erasure they hold no value of the student."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import MetaData, text

from dropout_service.database import DropoutDatabaseManager
from dropout_service.database.statistics import StatisticsRepository as OfDropout
from dropout_service.models import Base as DropoutBase
from shared_db.connection.database import Database
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.datastore.erasure import StatisticsRepository as OfStaffstuddash
from staffstuddash_service.models import Base as StaffstuddashBase
from tests.support.databases import become_owner, engine_on, role_of
from tests.support.factories import NOON

MARK = "xanthippe-marked"


def fill_staffstuddash(database: Database, student: str) -> None:
    manager = DatastoreManager(database)
    manager.add_student(student, f"Name of {student}")
    for number in range(3):
        manager.add_assessment(student, "quiz", f"Subject of {student}", 50 + number)
    manager.actions.add(student, "office", "call", data={"about": student})


def fill_dropout(database: Database, student: str) -> None:
    manager = DropoutDatabaseManager(database)
    for number in range(3):
        manager.events.add(None, student, f"q{number}", "QUESTION_SUBMIT", occurred_at=NOON)


SERVICES: dict[str, tuple[MetaData, Callable[..., None], Callable[..., Any], Any]] = {
    "staffstuddash": (
        StaffstuddashBase.metadata,
        fill_staffstuddash,
        lambda database: DatastoreManager(database).students,
        OfStaffstuddash,
    ),
    "dropout": (
        DropoutBase.metadata,
        fill_dropout,
        lambda database: DropoutDatabaseManager(database).students,
        OfDropout,
    ),
}


def statistics(database: Database, schema: str) -> str:
    query = text(
        "SELECT string_agg(concat(tablename, attname, most_common_vals, histogram_bounds), ' ')"
        " FROM pg_stats WHERE schemaname = :schema"
    )
    with database.snapshot() as session:
        become_owner(session)
        return str(session.scalar(query, {"schema": schema}))


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_removes_the_values_of_an_erased_student(service: str, private_url: str) -> None:
    metadata, fill, students, repository = SERVICES[service]
    database = Database.for_bind(engine_on(private_url), role=role_of(metadata))
    for student in (MARK, "bob", "eve"):
        fill(database, student)
    often = repository(database, seconds_between=0)
    nothing_due = often.refresh_due()
    with database.unit_of_work() as session:
        become_owner(session)
        session.execute(text("ANALYZE"))
    before = statistics(database, service)

    students(database).erase(MARK)
    left = statistics(database, service)
    too_soon = repository(database).refresh_due()
    refreshed = often.refresh_due()
    after = statistics(database, service)

    assert (nothing_due, too_soon) == (0, 0)
    assert refreshed > 5
    for found, is_there in ((before, True), (left, True), (after, False)):
        assert (MARK in found) is is_there
        assert "bob" in found


@pytest.mark.parametrize("service", SERVICES)
def test_the_statistics_of_empty_tables_are_cleared(service: str, private_url: str) -> None:
    """PostgreSQL before 18 has no means to do so."""
    metadata, fill, students, repository = SERVICES[service]
    database = Database.for_bind(engine_on(private_url), role=role_of(metadata))
    for student in (MARK, f"{MARK}-2"):
        fill(database, student)
    with database.unit_of_work() as session:
        become_owner(session)
        session.execute(text("ANALYZE"))
        version = session.scalar(text("SELECT current_setting('server_version_num')::int"))
    before = statistics(database, service)

    for student in (MARK, f"{MARK}-2"):
        students(database).erase(student)
    repository(database, seconds_between=0).refresh_due()

    assert MARK in before
    if version is not None and version >= 180000:
        assert MARK not in statistics(database, service)


@pytest.mark.parametrize("service", SERVICES)
def test_the_in_memory_store_has_no_statistics(service: str) -> None:
    metadata, fill, students, repository = SERVICES[service]
    database = Database.in_memory(metadata)
    fill(database, MARK)
    students(database).erase(MARK)

    assert repository(database, seconds_between=0).refresh_due() == 0
    database.close()


def test_the_function_takes_nothing_but_a_table(private_url: str) -> None:
    engine = engine_on(private_url)
    database = Database.for_bind(engine, role=role_of(StaffstuddashBase.metadata))
    for name in ("students; DROP TABLE staffstuddash.drafts", "pg_catalog.pg_authid", "absent"):
        with pytest.raises(Exception, match="does not exist"):
            OfStaffstuddash(database).refresh([name])

    assert DatastoreManager(database).actions.search().items == []
