"""Students who were erased leave nothing in the spools, and running services see to it."""

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
def database(private_url: str, spool: Spool) -> Database:
    """Give a database whose services would spool."""
    database = Database.on(engine_on(private_url))
    database.use_spool(spool)
    return database


@pytest.fixture
def datastore(database: Database) -> DatastoreManager:
    return DatastoreManager(database)


def wait_in(spool: Spool, *student_ids: str) -> None:
    """Let a student and an assessment of each wait."""
    for id_ in student_ids:
        mark = AssessmentToStore(id_, "quiz", "Math", 50, id=f"of-{id_}", accepted_at=NOON)
        student = StudentToStore(NAME, id=id_, accepted_at=NOON)
        spool.accept([STUDENT.entry(student), ASSESSMENT.entry(mark)])


def refuse_all(spool: Spool) -> None:
    spool.refuse([(entry, "The id is stored with other content") for entry in spool.oldest(100)])


def test_what_comes_late_is_not_kept(
    datastore: DatastoreManager, spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    datastore.erase_student(ID)
    wait_in(spool, ID, "bob")
    before = bytes_of(spool.path.parent)

    SpoolReplayer(datastore.database, spool, datastore, SPOOLABLE_TYPES).give()

    assert ID.encode() in before
    assert spool.every() == []
    after = bytes_of(spool.path.parent)
    assert (ID.encode() in after, NAME.encode() in after) == (False, False)
    assert datastore.get_performance_record("bob").assessment_count == 1
    assert "rows of erased students were removed from the spool" in caplog.text
    assert ID not in caplog.text


def test_deleting_removes_what_had_been_refused(datastore: DatastoreManager, spool: Spool) -> None:
    datastore.add_student(ID, "Another Name")
    wait_in(spool, ID, "bob")
    with pytest.raises(DatabaseUnavailable):
        datastore.delete_student(ID, actor="office")
    refuse_all(spool)

    datastore.delete_student(ID, actor="office")

    assert {entry.subject for entry in spool.every()} == {"bob"}
    assert ID.encode() not in bytes_of(spool.path.parent)


def test_a_student_who_is_not_there_is_not_forgotten(
    datastore: DatastoreManager, spool: Spool
) -> None:
    wait_in(spool, "unheard")
    refuse_all(spool)

    with pytest.raises(StudentNotFound):
        datastore.delete_student("unheard", actor="office")
    assert len(spool.every()) == 2


def test_dropout_erases_whom_staffstuddash_has_deleted(database: Database) -> None:
    manager = DropoutDatabaseManager(database)
    manager.add_learning_event(None, ID, "q1", "QUESTION_SUBMIT", data={"who": NAME})
    manager.add_student(ID, NAME)
    before = dump(database)
    DatastoreManager(database).erase_student(ID)
    app = dropout_service.main.create_app(manager, DropoutSettings.model_validate(SOON))

    with TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000)):
        is_erased = wait_until(lambda: ID not in dump(database))

    assert NAME in before
    assert is_erased
    assert NAME not in dump(database)


def test_staffstuddash_forgets_whom_another_machine_has_erased(
    datastore: DatastoreManager, spool: Spool, private_url: str
) -> None:
    wait_in(spool, ID, "bob")
    refuse_all(spool)
    DatastoreManager(Database.on(engine_on(private_url))).erase_student(ID)
    settings = StaffstuddashSettings.model_validate(SOON)
    app = staffstuddash_service.main.create_app(datastore, settings)

    with TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000)):
        is_removed = wait_until(lambda: len(spool.every()) == 2)

    assert is_removed
    assert {entry.subject for entry in spool.every()} == {"bob"}


def test_a_spool_that_cannot_be_used_keeps_nobody_from_being_erased(
    private_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    no_folder = tmp_path / "file"
    no_folder.write_text("")
    database = Database.on(engine_on(private_url))
    database.use_spool(Spool(no_folder / "spool.db"))
    datastore = DatastoreManager(database)

    assert datastore.erase_student(ID)["students"] == 0
    assert datastore.forget_erased_students() == 0
    assert caplog.text.count("erased students cannot be forgotten") == 2


@pytest.mark.parametrize("is_there", [True, False])
def test_a_spool_that_cannot_be_read_spoils_no_answer(
    private_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, *, is_there: bool
) -> None:
    no_folder = tmp_path / "file"
    no_folder.write_text("")
    url = private_url if is_there else f"postgresql://ada:secret@127.0.0.1:{free_port()}/school"
    settings = StaffstuddashSettings(database_url=url)
    database = Database.from_settings("test", Base.metadata, settings)
    database.use_spool(Spool(no_folder / "spool.db"))
    datastore = DatastoreManager(database)
    answer = StudentNotFound if is_there else DatabaseUnavailable

    with pytest.raises(answer):
        datastore.get_student("nobody")
    with pytest.raises(answer):
        datastore.delete_student("nobody", actor="office")
    assert "the spool cannot be read" in caplog.text
    database.close()
