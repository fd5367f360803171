"""Merges of staffstuddash that dropout follows, and imports under merged ids, on PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date

import pytest
from sqlalchemy import select, text

from dropout_service.database import DropoutDatabaseManager
from dropout_service.database.courses.bulk_import import (
    CourseToStore,
    EnrolmentToStore,
)
from dropout_service.database.events.click_import import Resource, StudentClicks
from dropout_service.errors import StudentErased, StudentMerged
from dropout_service.models import (
    DailyActivity,
    Enrolment,
    LearningEvent,
)
from shared_db.connection.database import Database
from shared_db.errors import DatabaseBusy
from shared_db.results import Outcome
from staffstuddash_service.datastore import DatastoreManager
from tests.contract.test_rollup import rebuilt, rollup
from tests.support.databases import engine_on
from tests.support.merging import answers_and_views as events
from tests.support.merging import repeated


@pytest.fixture
def database(private_url: str) -> Database:
    """Give a PostgreSQL database of the test's own."""
    return Database.for_bind(engine_on(private_url))


def test_dropout_follows_the_merges_of_staffstuddash(database: Database) -> None:
    datastore, manager = DatastoreManager(database), DropoutDatabaseManager(database)
    for id_ in ("a", "b", "c", "z"):
        datastore.add_student(id_, "Ada")
        manager.events.add_many(events(id_, range(4)))
    datastore.merging.merge("a", "b")
    first = manager.merging.follow()
    datastore.merging.merge("b", "c")
    datastore.merging.merge("z", "no events")
    second, third = manager.merging.follow(), manager.merging.follow()

    assert (first, second, third) == (1, 2, 0)
    assert len(manager.events.search("c").items) == 12
    assert len(manager.events.search("no events").items) == 4
    for former in ("a", "b"):
        with pytest.raises(StudentMerged) as refusal:
            manager.events.search(former)
        assert refusal.value.target == "c"


def test_a_locked_student_does_not_block_the_merges_of_others(private_url: str) -> None:
    engine = engine_on(private_url)
    patient = Database.for_bind(engine, statement_timeout_seconds=0.5)
    datastore, manager = DatastoreManager(patient), DropoutDatabaseManager(patient)
    for id_ in ("a", "b"):
        datastore.add_student(id_, "Ada")
        manager.events.add_many(events(id_, range(4)))
        datastore.merging.merge(id_, f"new {id_}")
    with engine.begin() as writer:
        writer.execute(text("SELECT id FROM dropout.students WHERE id = 'a' FOR UPDATE"))
        with pytest.raises(DatabaseBusy):
            manager.merging.follow()
        merged = [one.id for one in manager.students.search().items]

    assert merged == ["a", "new b"]
    assert manager.merging.follow() == 1
    assert [one.id for one in manager.students.search().items] == ["new a", "new b"]


def test_dropout_does_not_follow_merges_of_students_erased_since(database: Database) -> None:
    datastore, manager = DatastoreManager(database), DropoutDatabaseManager(database)
    for id_ in ("old", "new"):
        datastore.add_student(id_, "Ada")
        manager.events.add_many(events(id_, range(4)))
    datastore.merging.merge("old", "new")
    datastore.students.erase("new")

    assert manager.merging.follow() == 0
    assert manager.students.erase_deleted() == 2
    assert manager.students.search().items == []


def test_imports_under_the_old_id_are_rows_of_the_new_one(database: Database) -> None:
    manager = DropoutDatabaseManager(database)
    course = CourseToStore("M-P", "M", "P", date(2026, 3, 1), 100)
    manager.courses.import_courses([course], [])
    enrolments = [EnrolmentToStore(f"of-{id_}", id_, "M-P", 0) for id_ in ("old", "new")]
    clicks = [
        StudentClicks(
            id_, "M-P", [f"{id_}{day}" for day in (1, 2)], [1, 2], [Resource("1", "q")] * 2, [3, 4]
        )
        for id_ in ("old", "new")
    ]
    manager.courses.import_enrolments(enrolments)
    manager.clicks.add_many(clicks[:1])
    manager.merging.merge("old", "new")

    again = manager.courses.import_enrolments(enrolments)
    outcomes = manager.clicks.add_many(clicks)

    assert {one.outcome for one in again} == {Outcome.REPEATED}
    assert outcomes == [Outcome.REPEATED] * 2 + [Outcome.STORED] * 2
    with database.reading() as session:
        assert {*session.scalars(select(DailyActivity.student_id))} == {"new"}
        assert {*session.scalars(select(Enrolment.student_id))} == {"new"}
    assert rollup(manager, "new") == rebuilt(manager, "new")


def test_an_erasure_beside_merges_leaves_no_row(private_url: str) -> None:
    """Either comes first; an erasure that meets a merge is repeated."""
    manager = DropoutDatabaseManager(Database.for_bind(engine_on(private_url)))

    def act(number: int) -> None:
        pair = f"old {number // 2}", f"new {number // 2}"
        if number % 2:
            repeated(lambda: manager.students.erase(pair[0]))
        else:
            with suppress(StudentErased):
                repeated(lambda: manager.merging.merge(*pair))

    for number in range(12):
        manager.events.add_many(events(f"old {number}", range(3)))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(act, range(24)))

    with manager.database.reading() as session:
        assert session.scalars(select(LearningEvent.id)).all() == []
