"""Imports of tables with former ids of merged students, on both stores."""

from datetime import timedelta
from typing import Any

import pytest

from shared_db.results import OnConflict
from staffstuddash_service.datastore import AssessmentToStore, DatastoreManager, StudentToStore
from staffstuddash_service.datastore.table_import import TableImport, TableKind
from staffstuddash_service.domain.roster import Enrolment
from tests.support.factories import NOON
from tests.support.rosters import fill, periods, today

OLD, NEW = "s001", "s002"
FIELDS = {
    TableKind.STUDENTS: ("id", "name", "email"),
    TableKind.ENROLMENTS: ("student_id", "class_id", "valid_from", "valid_to"),
    TableKind.ASSESSMENTS: ("id", "student_id", "score"),
}


@pytest.fixture
def school(datastore: DatastoreManager) -> DatastoreManager:
    """Give a school of three students in a class."""
    fill(datastore)
    return datastore


def imported(
    manager: DatastoreManager, kind: TableKind, *items: Any, is_update: bool = True
) -> list[str]:
    """Import a table; return the outcome or the refusal of each row."""
    on_conflict = OnConflict.UPDATE if is_update else OnConflict.REFUSE
    table = TableImport(kind, FIELDS[kind], "office", on_conflict)
    results = manager.tables.store(table, items)
    return [r.outcome.value if r.refusal is None else type(r.refusal).__name__ for r in results]


def a_mark(student_id: str, score: float, id_: str = "m1") -> AssessmentToStore:
    at = NOON - timedelta(days=1)
    return AssessmentToStore(student_id, "quiz", "Math", score, timestamp=at, id=id_)


def enrolled(student_id: str) -> Enrolment:
    return Enrolment("", student_id, "5a", today(-9))


@pytest.mark.parametrize("is_update", [False, True])
def test_enrolments_of_both_ids_are_those_of_the_student(
    school: DatastoreManager, *, is_update: bool
) -> None:
    kind = TableKind.ENROLMENTS
    imported(school, kind, enrolled(OLD), enrolled("s003"))
    school.merging.merge(OLD, NEW)
    school.merging.merge("s003", NEW)

    both = enrolled(OLD), enrolled(NEW)
    assert imported(school, kind, *both, is_update=is_update) == ["repeated"] * 2
    assert periods(school, NEW) == [("5a", today(-9), None)]


def test_a_new_enrolment_under_the_old_id_is_stored_once(school: DatastoreManager) -> None:
    school.merging.merge(OLD, NEW)

    both = enrolled(OLD), enrolled(NEW)
    assert imported(school, TableKind.ENROLMENTS, *both) == ["stored", "repeated"]
    assert periods(school, NEW) == [("5a", today(-9), None)]


def test_marks_under_the_old_id_are_updated(school: DatastoreManager) -> None:
    kind = TableKind.ASSESSMENTS
    imported(school, kind, a_mark(OLD, 50))
    school.merging.merge(OLD, NEW)

    assert imported(school, kind, a_mark(OLD, 50)) == ["repeated"]
    assert imported(school, kind, a_mark(OLD, 60)) == ["changed"]
    assert imported(school, kind, a_mark(OLD, 60)) == ["repeated"]
    assert imported(school, kind, a_mark("s003", 70)) == ["different"]
    [mark] = school.assessments.search_by_student(NEW).items
    assert mark.score == 60


def test_students_under_the_old_id_are_replays_or_refused(school: DatastoreManager) -> None:
    kind = TableKind.STUDENTS
    school.merging.merge(OLD, NEW)

    old = StudentToStore("Student 1", None, OLD)
    new = StudentToStore("Ada", None, NEW)
    other = StudentToStore("Other", None, OLD)
    assert imported(school, kind, old, new) == ["repeated", "changed"]
    assert imported(school, kind, other) == ["StudentMerged"]
    assert school.get_student(NEW).name == "Ada"
