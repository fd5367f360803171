"""Merge of a student with rows in the spool: they are replayed under the new id."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import dropout_service.main
from dropout_service.database import SPOOLABLE_TYPES as DROPOUT_TYPES
from dropout_service.database import DropoutDatabaseManager
from dropout_service.database.assessments import ASSESSMENT as MARK
from dropout_service.database.assessments import AssessmentToStore as MarkToStore
from dropout_service.database.events.store import EVENT
from dropout_service.database.students.store import STUDENT as DROPOUT_STUDENT
from dropout_service.database.students.store import StudentToStore as DropoutStudent
from dropout_service.errors import StudentMerged
from dropout_service.settings import Settings as DropoutSettings
from shared_db.connection.database import Database
from shared_db.spool.queue import Spool
from shared_db.spool.replay import SpoolReplayer
from staffstuddash_service.datastore import (
    SPOOLABLE_TYPES,
    AssessmentToStore,
    DatastoreManager,
    StudentToStore,
)
from staffstuddash_service.datastore.actions import ACTION, ActionToStore
from staffstuddash_service.datastore.assessments import ASSESSMENT
from staffstuddash_service.datastore.drafts import DRAFT, DraftToStore
from staffstuddash_service.datastore.students import STUDENT
from tests.e2e.processes import wait_until
from tests.support.databases import LOOPBACK, engine_on
from tests.support.factories import NOON
from tests.support.waiting_rows import events
from veritas_cli.processes.ports import free_port


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


def test_waiting_rows_of_staffstuddash_get_the_new_id(database: Database, spool: Spool) -> None:
    datastore = DatastoreManager(database)
    datastore.spool.attach(spool)
    for id_ in ("old", "new"):
        datastore.add_student(id_, "Ada")
    sent = AssessmentToStore("old", "quiz", "Math", 5, id="stored", accepted_at=NOON)
    datastore.assessments.add_many([sent])
    at = {"accepted_at": NOON, "timestamp": NOON}
    spool.append(
        [
            STUDENT.entry(StudentToStore("Ada", id="old", accepted_at=NOON)),
            # As after a crash between the commit and the removal from the spool.
            ASSESSMENT.entry(sent),
            ASSESSMENT.entry(AssessmentToStore("old", "quiz", "Math", 50, id="m", **at)),  # type: ignore[arg-type]
            DRAFT.entry(DraftToStore("old", "essay", "text", id="d", **at)),
            ACTION.entry(ActionToStore("old", "teacher", "call", id="a", **at)),  # type: ignore[arg-type]
        ]
    )

    datastore.merging.merge("old", "new")
    replayed = SpoolReplayer(database, spool, datastore, SPOOLABLE_TYPES).replay_all()

    assert (replayed, spool.state().waiting, spool.state().refused) == (5, 0, 0)
    record = datastore.get_performance_record("new")
    assert (record.assessment_count, record.draft_count) == (2, 1)
    actions = datastore.actions.search_by_student("new").items
    assert {one.action for one in actions} == {"call", "student.merged"}
    assert [one.id for one in datastore.students.search().items] == ["new"]


def test_waiting_rows_of_dropout_get_the_new_id(database: Database, spool: Spool) -> None:
    manager = DropoutDatabaseManager(database)
    manager.spool.attach(spool)
    manager.events.add_many(events("old", 1))
    mark = MarkToStore("old", "quiz", "Math", 5, id="m", accepted_at=NOON)
    waiting = [EVENT.entry(one) for one in events("old", 1, 2)]
    student = DropoutStudent("old", "Ada", accepted_at=NOON)
    spool.append([DROPOUT_STUDENT.entry(student), MARK.entry(mark), *waiting])

    manager.merging.merge("old", "new")
    SpoolReplayer(database, spool, manager, DROPOUT_TYPES).replay_all()

    assert (spool.state().waiting, spool.state().refused) == (0, 0)
    assert len(manager.events.search("new").items) == 2
    assert len(manager.assessments.search("new").items) == 1
    assert [one.id for one in manager.students.search().items] == ["new"]


def test_an_erasure_removes_waiting_rows_under_the_old_id(database: Database, spool: Spool) -> None:
    datastore = DatastoreManager(database)
    datastore.spool.attach(spool)
    datastore.add_student("old", "Ada")
    datastore.merging.merge("old", "new")
    spool.append([DRAFT.entry(DraftToStore("old", "essay", "text", id="d", accepted_at=NOON))])

    datastore.students.erase("new")

    assert spool.state().waiting == 0


def test_a_running_dropout_service_follows_a_merge(database: Database) -> None:
    datastore, manager = DatastoreManager(database), DropoutDatabaseManager(database)
    datastore.add_student("old", "Ada")
    manager.events.add_many(events("old", 1, 2))
    settings = DropoutSettings(
        environment="development",
        dropout_port=free_port(),
        erasing_seconds=0.05,
    )
    with TestClient(
        dropout_service.main.create_app(manager, settings),
        f"http://{LOOPBACK}",
        client=(LOOPBACK, 50000),
    ):
        datastore.merging.merge("old", "new")
        wait_until(lambda: len(_students(manager)) == 1 and _students(manager) == ["new"])

    with pytest.raises(StudentMerged):
        manager.events.search("old")
    assert len(manager.events.search("new").items) == 2


def _students(manager: DropoutDatabaseManager) -> list[str]:
    return [one.id for one in manager.students.search().items]
