"""Records of the roster: stored, changed, repeated, refused and ended, on both stores."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from shared_db.errors import ServiceError
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.domain.roster import (
    Demographics,
    Organisation,
    Record,
    RosterKind,
)
from staffstuddash_service.errors import (
    ClassNotFound,
    IdentifierExists,
    PersonNotFound,
    RecordInvalid,
    RepeatedInBatch,
    StudentErased,
    StudentNotFound,
    UnknownReference,
)
from tests.support.dumps import dump
from tests.support.rosters import (
    a_class,
    a_guardian,
    a_person,
    a_teaching,
    an_advising,
    an_enrolment,
    an_identifier,
    fill,
    outcomes,
    periods,
    today,
)


@pytest.fixture
def school(datastore: DatastoreManager) -> DatastoreManager:
    """Give a school of three students, two classes and a teacher."""
    fill(datastore, classes=("5a", "5b"))
    return datastore


ALL: Sequence[Record] = (
    Organisation("school2", "Second"),
    a_class("5c"),
    a_person("t2"),
    an_enrolment(),
    a_teaching(),
    an_advising(),
    a_guardian(),
    an_identifier(),
    Demographics("s001", sex="female", attributes={"language": "en"}),
)


@pytest.mark.parametrize("record", ALL, ids=lambda record: type(record).__name__)
def test_a_record_is_stored_once(school: DatastoreManager, record: Record) -> None:
    assert outcomes(school, record) == ["stored"]
    before = dump(school.database)

    assert outcomes(school, record, record) == ["repeated", "repeated"]
    assert dump(school.database) == before


def test_changed_content_changes_the_row(school: DatastoreManager) -> None:
    assert outcomes(school, a_class(title="Five A")) == ["changed"]
    assert school.roster.get(RosterKind.CLASS, "5a").title == "Five A"
    assert outcomes(school, an_enrolment(valid_from=today(-30))) == ["stored"]
    assert outcomes(school, an_enrolment(valid_from=today(-20))) == ["changed"]
    assert periods(school) == [("5a", today(-20), None)]


def test_many_records_are_stored_changed_and_repeated_at_once(school: DatastoreManager) -> None:
    classes = [a_class(f"c{number:02}") for number in range(20)]
    assert outcomes(school, *classes) == ["stored"] * 20
    classes[3] = replace(classes[3], title="Other")

    found = outcomes(school, *reversed([*classes, a_class("c99")]))

    assert found == ["stored", *["repeated"] * 16, "changed", *["repeated"] * 3]


def test_a_wrong_record_is_refused_and_others_are_stored(
    school: DatastoreManager, subtests: pytest.Subtests
) -> None:
    cases: list[tuple[Any, type[ServiceError]]] = [
        (an_enrolment(student_id="nobody"), StudentNotFound),
        (an_enrolment(class_id="nowhere"), ClassNotFound),
        (a_teaching(person_id="nobody"), PersonNotFound),
        (an_advising(person_id="nobody"), PersonNotFound),
        (a_class("new", course_id="nowhere"), UnknownReference),
        (a_class("new", term_ids=("2026", "never")), UnknownReference),
        (a_person("new", organisation_ids=("nowhere",)), UnknownReference),
        (Organisation("new", "New", parent_id="nowhere"), UnknownReference),
        (Organisation("new", "New", parent_id="new"), RecordInvalid),
        (Organisation("", "New"), RecordInvalid),
        (Organisation("a/b", "New"), RecordInvalid),
        (Organisation(" a", "New"), RecordInvalid),
        (Organisation("a\nb", "New"), RecordInvalid),
        (Organisation("E\u0301cole", "New"), RecordInvalid),
        (Organisation("\ud800", "New"), RecordInvalid),
        (an_enrolment(valid_from=today(1), valid_to=today()), RecordInvalid),
        (a_person("new", name="N" * 201), RecordInvalid),
        (a_person("new", name="N\x00"), RecordInvalid),
        (a_person("new", name="N\ud800"), RecordInvalid),
        (a_guardian(student_id="nobody"), StudentNotFound),
        (an_identifier(student_id="nobody"), StudentNotFound),
    ]
    for number, (record, refusal) in enumerate(cases):
        with subtests.test(record=record):
            fine = f"fine{number}"
            fines: dict[str, Record] = {
                "Enrolment": an_enrolment(fine),
                "Teaching": a_teaching(id=fine),
                "Advising": an_advising(id=fine),
                "Class": a_class(fine),
                "Person": a_person(fine),
                "Organisation": Organisation(fine, "Fine"),
                "Guardian": a_guardian(id=fine),
                "Identifier": an_identifier(value=fine),
            }

            assert outcomes(school, record, fines[type(record).__name__]) == [
                refusal.__name__,
                "stored",
            ]


def test_a_parent_may_come_in_the_same_batch(school: DatastoreManager) -> None:
    child, parent = Organisation("a", "A", parent_id="b"), Organisation("b", "B")
    orphan, of_orphan = (
        Organisation("c", "C", parent_id="nowhere"),
        Organisation("d", "D", parent_id="c"),
    )

    assert outcomes(school, child, orphan, of_orphan, parent) == [
        "stored",
        "UnknownReference",
        "UnknownReference",
        "stored",
    ]


def test_an_id_with_two_contents_in_a_batch_is_refused(school: DatastoreManager) -> None:
    first, other = a_class("5c"), a_class("5c", title="Other")

    assert outcomes(school, first, other, first) == [
        "stored",
        RepeatedInBatch.__name__,
        "repeated",
    ]


def test_an_erased_student_gets_no_rows(school: DatastoreManager) -> None:
    school.students.erase("s001")

    for record in (an_enrolment(), an_advising(), a_guardian(), an_identifier()):
        assert outcomes(school, record) == [StudentErased.__name__]


def test_an_identifier_belongs_to_one_student(school: DatastoreManager) -> None:
    outcomes(school, an_identifier())

    assert outcomes(school, an_identifier(student_id="s002")) == [IdentifierExists.__name__]
    with pytest.raises(IdentifierExists):
        school.student_descriptions.replace_of_student(
            RosterKind.IDENTIFIER, "s002", [an_identifier(student_id="s002")]
        )


@pytest.mark.parametrize("kind", RosterKind)
def test_ending_an_unknown_row_names_its_id(school: DatastoreManager, kind: RosterKind) -> None:
    with pytest.raises(ServiceError, match="unknown-id"):
        school.roster.end(kind, "unknown-id")
