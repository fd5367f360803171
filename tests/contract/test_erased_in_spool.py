"""Erasure in the spools: no row of an erased student stays, also while services run."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import dropout_service.main
import staffstuddash_service.main
from dropout_service.database import DropoutDatabaseManager
from dropout_service.settings import Settings as DropoutSettings
from shared_db.connection.database import Database
from shared_db.errors import DatabaseUnavailable
from shared_db.spool.queue import Spool
from shared_db.spool.replay import SpoolReplayer
from staffstuddash_service.datastore import (
    SPOOLABLE_TYPES,
    AssessmentToStore,
    DatastoreManager,
    StudentToStore,
)
from staffstuddash_service.datastore.assessments import ASSESSMENT
from staffstuddash_service.datastore.students import STUDENT
from staffstuddash_service.errors import StudentNotFound
from staffstuddash_service.models import Base
from staffstuddash_service.settings import Settings as StaffstuddashSettings
from tests.e2e.processes import wait_until
from tests.support.databases import LOOPBACK, engine_on
from tests.support.dumps import bytes_of, dump
from tests.support.factories import NOON
from veritas_cli.processes.ports import free_port

SOON = {"environment": "development", "erasing_seconds": 0.05}
ID, NAME = "xanthippe-1", "Xanthippe Marked"


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """Give an empty spool, closed after the test."""
    spool = Spool(tmp_path / "spools" / "spool.db")
    yield spool
    spool.close()


@pytest.fixture
def database(private_url: str) -> Database:
    """Give a database of the test's own."""
    return Database.for_bind(engine_on(private_url))


@pytest.fixture
def datastore(database: Database, spool: Spool) -> DatastoreManager:
    """Give a manager with a spool."""
    datastore = DatastoreManager(database)
    datastore.spool.attach(spool)
    return datastore


def append_rows(spool: Spool, *student_ids: str) -> None:
    """Append a student and an assessment for each id."""
    for id_ in student_ids:
        mark = AssessmentToStore(id_, "quiz", "Math", 50, id=f"of-{id_}", accepted_at=NOON)
        student = StudentToStore(NAME, id=id_, accepted_at=NOON)
        spool.append([STUDENT.entry(student), ASSESSMENT.entry(mark)])


def reject_all(spool: Spool) -> None:
    spool.reject([(entry, "The id is stored with other content") for entry in spool.pending(100)])


def test_waiting_rows_of_an_erased_student_are_removed_at_replay(
    datastore: DatastoreManager, spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    datastore.students.erase(ID)
    append_rows(spool, ID, "bob")
    before = bytes_of(spool.path.parent)

    SpoolReplayer(datastore.database, spool, datastore, SPOOLABLE_TYPES).replay_all()

    assert ID.encode() in before
    assert spool.all_entries() == []
    after = bytes_of(spool.path.parent)
    assert (ID.encode() in after, NAME.encode() in after) == (False, False)
    assert datastore.get_performance_record("bob").assessment_count == 1
    assert "rows of erased students were removed from the spool" in caplog.text
    assert ID not in caplog.text


def test_deleting_removes_rejected_rows(datastore: DatastoreManager, spool: Spool) -> None:
    datastore.add_student(ID, "Another Name")
    append_rows(spool, ID, "bob")
    with pytest.raises(DatabaseUnavailable):
        datastore.students.delete(ID, actor="office")
    reject_all(spool)

    datastore.students.delete(ID, actor="office")

    assert {entry.subject for entry in spool.all_entries()} == {"bob"}
    assert ID.encode() not in bytes_of(spool.path.parent)


def test_rejected_rows_of_an_unknown_student_stay(
    datastore: DatastoreManager, spool: Spool
) -> None:
    append_rows(spool, "unheard")
    reject_all(spool)

    with pytest.raises(StudentNotFound):
        datastore.students.delete("unheard", actor="office")
    assert len(spool.all_entries()) == 2


def test_dropout_erases_students_that_staffstuddash_has_deleted(database: Database) -> None:
    manager = DropoutDatabaseManager(database)
    manager.events.add(None, ID, "q1", "QUESTION_SUBMIT", data={"who": NAME})
    manager.students.add(ID, NAME)
    before = dump(database)
    DatastoreManager(database).students.erase(ID)
    app = dropout_service.main.create_app(manager, DropoutSettings.model_validate(SOON))

    with TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000)):
        is_erased = wait_until(lambda: ID not in dump(database))

    assert NAME in before
    assert is_erased
    assert NAME not in dump(database)


def test_staffstuddash_purges_students_that_another_machine_has_erased(
    datastore: DatastoreManager, spool: Spool, private_url: str
) -> None:
    append_rows(spool, ID, "bob")
    reject_all(spool)
    DatastoreManager(Database.for_bind(engine_on(private_url))).students.erase(ID)
    settings = StaffstuddashSettings.model_validate(SOON)
    app = staffstuddash_service.main.create_app(datastore, settings)

    with TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000)):
        is_removed = wait_until(lambda: len(spool.all_entries()) == 2)

    assert is_removed
    assert {entry.subject for entry in spool.all_entries()} == {"bob"}


def test_a_student_is_erased_although_the_spool_cannot_be_used(
    private_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    no_folder = tmp_path / "file"
    no_folder.write_text("")
    database = Database.for_bind(engine_on(private_url))
    datastore = DatastoreManager(database)
    datastore.spool.attach(Spool(no_folder / "spool.db"))

    assert datastore.students.erase(ID)["students"] == 0
    assert datastore.students.purge_erased() == 0
    assert caplog.text.count("erased students cannot be forgotten") == 2


@pytest.mark.parametrize("is_there", [True, False])
def test_an_unreadable_spool_changes_no_answer(
    private_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, *, is_there: bool
) -> None:
    no_folder = tmp_path / "file"
    no_folder.write_text("")
    url = private_url if is_there else f"postgresql://ada:secret@127.0.0.1:{free_port()}/school"
    settings = StaffstuddashSettings(database_url=url)
    database = Database.from_settings("test", Base.metadata, settings)
    datastore = DatastoreManager(database)
    datastore.spool.attach(Spool(no_folder / "spool.db"))
    answer = StudentNotFound if is_there else DatabaseUnavailable

    with pytest.raises(answer):
        datastore.get_student("nobody")
    with pytest.raises(answer):
        datastore.students.delete("nobody", actor="office")
    assert "the spool cannot be read" in caplog.text
    database.close()
