"""Tables of the roster: constraints, and the erasure of everything that is a student's."""

from datetime import date

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from shared_db.columns import Row
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.datastore.erasure import OWNED
from staffstuddash_service.domain.roster import ClassType, IdentifierKind, StaffRole
from staffstuddash_service.models import (
    AdvisingRow,
    Alias,
    Base,
    ClassRow,
    DemographicsRow,
    EnrolmentRow,
    GuardianRow,
    IdentifierRow,
    PersonRow,
    Student,
)
from tests.support.dumps import dump
from tests.support.factories import NOON

MARK = "Xanthippe"
SOURCED = {"source": "manual", "digest": b"0" * 16, "created_at": NOON, "updated_at": NOON}
A_CLASS = {
    "id": "5a",
    "title": "5a",
    "type": ClassType.SCHEDULED,
    "term_ids": [],
    "subjects": [],
    "grades": [],
    **SOURCED,
}
A_PERSON = {
    "id": "t1",
    "name": "Teacher",
    "role": StaffRole.TEACHER,
    "organisation_ids": [],
    **SOURCED,
}


def of_student(student_id: str) -> dict[type[Base], Row]:
    """Return a row of the student for each table of the roster that has students."""
    owner = {"student_id": student_id, **SOURCED}
    return {
        EnrolmentRow: {"id": f"e-{student_id}", "class_id": "5a", **owner},
        AdvisingRow: {"id": f"a-{student_id}", "person_id": "t1", **owner},
        GuardianRow: {"id": f"g-{student_id}", "name": student_id, **owner},
        IdentifierRow: {
            "id": f"i-{student_id}",
            "system": "lms",
            "kind": IdentifierKind.ACCOUNT,
            "value": student_id,
            **owner,
        },
        DemographicsRow: {"attributes": {"note": student_id}, **owner},
    }


def add(manager: DatastoreManager, model: type[Base], row: Row) -> None:
    with manager.database.unit_of_work() as session:
        session.execute(insert(model), [row])


@pytest.fixture
def filled(datastore: DatastoreManager) -> DatastoreManager:
    """Give a store with two students who have a row in each table of the roster."""
    add(datastore, ClassRow, A_CLASS)
    add(datastore, PersonRow, A_PERSON)
    for student_id in (MARK, "s2"):
        datastore.add_student(student_id, student_id)
        for model, row in of_student(student_id).items():
            add(datastore, model, row)
    return datastore


def test_the_roster_of_an_erased_student_is_erased(filled: DatastoreManager) -> None:
    assert MARK in dump(filled.database)

    removed = filled.students.erase(MARK)

    assert {model.__tablename__: removed[model.__tablename__] for model in of_student(MARK)} == {
        model.__tablename__: 1 for model in of_student(MARK)
    }
    left = dump(filled.database)
    assert MARK not in left
    assert "e-s2" in left


def test_every_table_that_refers_to_students_is_erased() -> None:
    tables = {
        table.name
        for table in Base.metadata.tables.values()
        if any(key.column.table.name == Student.__tablename__ for key in table.foreign_keys)
    }

    # Former ids are erased by the id that they lead to.
    assert {model.__tablename__ for model in OWNED} | {Alias.__tablename__} == tables


@pytest.mark.parametrize(
    ("model", "changes"),
    [
        (EnrolmentRow, {"valid_from": date(2026, 9, 1), "valid_to": date(2026, 8, 1)}),
        (EnrolmentRow, {"class_id": "nowhere"}),
        (EnrolmentRow, {"student_id": "nobody"}),
        (AdvisingRow, {"person_id": "nobody"}),
        (IdentifierRow, {"value": MARK}),
        (ClassRow, {"course_id": "nowhere"}),
    ],
)
def test_rows_that_contradict_others_are_refused(
    filled: DatastoreManager, model: type[Base], changes: Row
) -> None:
    row = A_CLASS if model is ClassRow else of_student("s2")[model]

    with pytest.raises(IntegrityError):
        add(filled, model, {**row, "id": "new", **changes})
