"""Running services erase by themselves who was deleted, also from their spools."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

import dropout_service.main
import staffstuddash_service.main
from dropout_service.database import DropoutDatabaseManager
from dropout_service.settings import Settings as DropoutSettings
from shared_db.database import Database
from shared_db.spool import Spool
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.datastore.students import STUDENT, StudentToStore
from staffstuddash_service.settings import Settings as StaffstuddashSettings
from tests.dumps import dump
from tests.e2e.processes import wait_until
from tests.factories import NOON
from tests.stores import LOOPBACK, engine_on

SOON = {"environment": "development", "erasing_seconds": 0.05}
ID, NAME = "xanthippe-1", "Xanthippe Marked"


@pytest.fixture
def database(private_url: str) -> Database:
    return Database.on(engine_on(private_url))


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


def test_staffstuddash_removes_what_it_had_refused_of_them(
    database: Database, tmp_path: Path
) -> None:
    DatastoreManager(database).erase_student(ID)
    spool = Spool(tmp_path / "spool.db")
    spool.accept([STUDENT.entry(StudentToStore(NAME, id=ID, accepted_at=NOON))])
    spool.refuse([(spool.oldest(1)[0], "no")])
    database.use_spool(spool)
    settings = StaffstuddashSettings.model_validate(SOON)
    app = staffstuddash_service.main.create_app(DatastoreManager(database), settings)

    with TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000)):
        is_removed = wait_until(lambda: spool.every() == [])

    assert is_removed
