"""Ids of earlier releases in another Unicode form: erased together, and never renamed."""

import unicodedata
from pathlib import Path

import pytest

from dropout_service.database import DropoutDatabaseManager
from dropout_service.errors import StudentErased as ErasedInDropout
from shared_db.connection.database import Database
from shared_db.pseudonyms import equivalent_ids, pseudonym_of
from shared_db.spool.queue import Spool
from shared_db.spool.replay import SpoolReplayer
from staffstuddash_service.datastore import SPOOLABLE_TYPES, DatastoreManager, StudentToStore
from staffstuddash_service.datastore.students import STUDENT
from staffstuddash_service.errors import StudentErased
from staffstuddash_service.models import Deletion
from tests.support.databases import engine_on
from tests.support.factories import NOON

COMPOSED = "zoë"
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)
FORMS = [COMPOSED, DECOMPOSED]


def test_only_ids_beyond_ascii_have_other_forms() -> None:
    assert equivalent_ids("s001") == ("s001",)
    assert equivalent_ids("语言") == ("语言",)
    assert equivalent_ids(DECOMPOSED) == (DECOMPOSED, COMPOSED)
    assert equivalent_ids(COMPOSED) == (COMPOSED, DECOMPOSED)


@pytest.mark.parametrize("given", FORMS, ids=ascii)
@pytest.mark.parametrize("stored", FORMS, ids=ascii)
def test_a_student_is_erased_under_either_form(
    datastore: DatastoreManager, stored: str, given: str
) -> None:
    datastore.add_student(stored, "Zoë")
    datastore.add_assessment(stored, "quiz", "Math", 50)
    datastore.actions.add(stored, "teacher", "call")

    removed, is_replay = datastore.students.delete(given, actor="office")
    again = datastore.students.delete(given, actor="office")

    assert (removed["students"], removed["assessment_logs"], is_replay) == (1, 1, False)
    assert again[1]
    assert {a.student_id for a in datastore.actions.search()} == {pseudonym_of(given)}
    for form in FORMS:
        with pytest.raises(StudentErased):
            datastore.add_student(form, "Zoë")


@pytest.mark.parametrize("form", FORMS, ids=ascii)
def test_a_tombstone_of_an_earlier_release_refuses_either_form(
    datastore: DatastoreManager, form: str
) -> None:
    with datastore.database.unit_of_work() as session:
        session.add(Deletion(pseudonym=pseudonym_of(DECOMPOSED), deleted_at=NOON))

    with pytest.raises(StudentErased):
        datastore.add_student(form, "Zoë")
    assert datastore.students.erased_among([*FORMS, "s2"]) == set(FORMS)


@pytest.mark.parametrize("given", FORMS, ids=ascii)
def test_dropout_erases_a_student_under_either_form(
    db_manager: DropoutDatabaseManager, given: str
) -> None:
    for form in FORMS:
        db_manager.events.add(f"of-{form}", form, "q1", "QUESTION_SUBMIT")

    deleted = db_manager.students.erase(given)

    assert (deleted["students"], deleted["learning_events"]) == (2, 2)
    for form in FORMS:
        with pytest.raises(ErasedInDropout):
            db_manager.students.add(form)


def test_dropout_follows_an_erasure_in_another_form(private_url: str) -> None:
    database = Database.for_bind(engine_on(private_url))
    dropout = DropoutDatabaseManager(database)
    dropout.events.add("e1", DECOMPOSED, "q1", "QUESTION_SUBMIT")

    DatastoreManager(database).students.erase(COMPOSED)

    assert dropout.students.erase_deleted() == 1
    assert dropout.students.search().items == []


def test_replay_keeps_the_id_that_was_accepted(datastore: DatastoreManager, tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.db")
    spool.append([STUDENT.entry(StudentToStore("Zoë", id=DECOMPOSED, accepted_at=NOON))])

    SpoolReplayer(datastore.database, spool, datastore, SPOOLABLE_TYPES).replay_all()
    spool.close()

    assert [student.id for student in datastore.students.search()] == [DECOMPOSED]
