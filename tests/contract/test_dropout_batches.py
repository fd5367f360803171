"""Batches of dropout's students and marks, as the replay of the spool inserts them; both stores."""

from datetime import timedelta

from dropout_service.database import DropoutDatabaseManager
from dropout_service.database.assessments import AssessmentToStore
from dropout_service.database.students.store import StudentToStore
from dropout_service.errors import AssessmentExists, StudentErased, StudentExists
from shared_db.results import InsertResult, Outcome
from tests.support.factories import NOON

LATER = NOON + timedelta(hours=1)


def outcomes(results: list[InsertResult]) -> dict[str, tuple[Outcome, type | None]]:
    return {
        result.id: (result.outcome, type(result.refusal) if result.refusal else None)
        for result in results
    }


def test_students_of_a_batch_have_a_result_each(db_manager: DropoutDatabaseManager) -> None:
    db_manager.students.add("known", "Ada")
    db_manager.students.add("other", "Grace")
    db_manager.students.erase("erased")
    batch = [
        StudentToStore("new", "Mary", accepted_at=NOON),
        StudentToStore("known", "Ada", accepted_at=NOON),
        StudentToStore("other", "Not Grace", accepted_at=NOON),
        StudentToStore("erased", "Nobody", accepted_at=NOON),
        StudentToStore("late", "Emmy", accepted_at=LATER),
    ]

    results = db_manager.students.add_many(batch)

    assert [result.id for result in results] == [student.id for student in batch]
    assert outcomes(results) == {
        "new": (Outcome.STORED, None),
        "known": (Outcome.REPEATED, None),
        "other": (Outcome.REFUSED, StudentExists),
        "erased": (Outcome.REFUSED, StudentErased),
        "late": (Outcome.STORED, None),
    }
    created = {one.id: one.created_at for one in db_manager.students.search()}
    assert (created["new"], created["late"]) == (NOON, LATER)
    assert db_manager.students.get("other").name == "Grace"


def test_a_student_of_a_batch_gets_a_name_later(db_manager: DropoutDatabaseManager) -> None:
    db_manager.events.add(None, "s001", None, "NAVIGATION", occurred_at=NOON)
    before = db_manager.students.get("s001")

    [result] = db_manager.students.add_many([StudentToStore("s001", "Ada", accepted_at=LATER)])

    after = db_manager.students.get("s001")
    assert result.outcome is Outcome.STORED
    assert (before.name, after.name) == (None, "Ada")
    assert after.created_at == before.created_at


def a_mark(id_: str, student_id: str = "s001", score: float = 50) -> AssessmentToStore:
    return AssessmentToStore(student_id, "quiz", "Math", score, id=id_, accepted_at=NOON)


def test_marks_of_a_batch_have_a_result_each(db_manager: DropoutDatabaseManager) -> None:
    db_manager.assessments.add_many([a_mark("known"), a_mark("other")])
    db_manager.students.erase("erased")
    batch = [
        a_mark("new", "s002"),
        a_mark("known"),
        a_mark("other", score=51),
        a_mark("gone", "erased"),
        a_mark("last"),
    ]

    results = db_manager.assessments.add_many(batch)

    assert [result.id for result in results] == [mark.id for mark in batch]
    assert outcomes(results) == {
        "new": (Outcome.STORED, None),
        "known": (Outcome.REPEATED, None),
        "other": (Outcome.CONFLICT, AssessmentExists),
        "gone": (Outcome.ERASED, None),
        "last": (Outcome.STORED, None),
    }
    stored = {mark.id: mark.score for mark in db_manager.assessments.search("s001")}
    assert stored == {"known": 50, "other": 50, "last": 50}
    assert [mark.id for mark in db_manager.assessments.search("s002")] == ["new"]
