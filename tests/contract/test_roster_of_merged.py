"""Records and requests of the roster under the old id of a merged student, on both stores."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.datastore.roster.ending import Absent
from staffstuddash_service.domain.roster import Demographics, RosterKind
from staffstuddash_service.errors import StudentErased, StudentMerged
from staffstuddash_service.models import Base
from staffstuddash_service.term_errors import ClassArchived
from tests.support.databases import OpenDatabase
from tests.support.dumps import dump
from tests.support.rosters import (
    ONEROSTER,
    TERM,
    a_guardian,
    a_person,
    an_advising,
    an_enrolment,
    an_identifier,
    fill,
    outcomes,
    periods,
    today,
)

OLD, NEW = "s001", "s002"


@pytest.fixture
def school(open_database: OpenDatabase) -> DatastoreManager:
    """Give a school of three students, two classes and two teachers."""
    manager = DatastoreManager(open_database(Base.metadata))
    fill(manager, classes=("5a", "5b"))
    manager.roster.apply(RosterKind.PERSON, [a_person("t2")], ONEROSTER)
    return manager


def demographics(student_id: str = OLD, sex: str = "female") -> Demographics:
    return Demographics(student_id, date(2014, 12, 10), sex, {"white": True})


CALLS: dict[str, Callable[[DatastoreManager], object]] = {
    "classes": lambda m: m.roster.search_relations(RosterKind.ENROLMENT, ("student_id", OLD)),
    "enrolment": lambda m: m.roster.relate(an_enrolment("")),
    "end": lambda m: m.roster.separate(RosterKind.ENROLMENT, class_id="5a", student_id=OLD),
    "advisor": lambda m: m.roster.relate(an_advising(id="")),
    "guardians": lambda m: m.student_descriptions.list_of_student(RosterKind.GUARDIAN, OLD),
    "new guardians": lambda m: m.student_descriptions.replace_of_student(
        RosterKind.GUARDIAN, OLD, [a_guardian()]
    ),
    "demographics": lambda m: m.student_descriptions.get_demographics(OLD),
    "new demographics": lambda m: m.roster.replace(demographics()),
    "no demographics": lambda m: m.student_descriptions.delete_demographics(OLD),
}


def test_requests_under_the_old_id_lead_to_the_new_one(
    school: DatastoreManager, subtests: pytest.Subtests
) -> None:
    school.merging.merge(OLD, NEW)

    for name, call in CALLS.items():
        with subtests.test(name):
            with pytest.raises(StudentMerged) as refusal:
                call(school)
            assert refusal.value.target == NEW


def test_records_sent_again_under_the_old_id_change_nothing(school: DatastoreManager) -> None:
    batches = (
        [an_enrolment("o1", valid_from=today(-9)), an_enrolment("n1", student_id=NEW)],
        [an_advising(), an_advising(id="v2", student_id=NEW)],
        [a_guardian(), a_guardian(id="g2", student_id=NEW)],
        [an_identifier()],
        [demographics(), demographics(NEW, sex="other")],
    )
    for records in batches:
        outcomes(school, *records)
    school.merging.merge(OLD, NEW)
    before = dump(school.database)

    for records in batches:
        assert outcomes(school, *records) == ["repeated"] * len(records)
    assert dump(school.database) == before


def test_new_records_under_the_old_id_are_stored_under_the_new_one(
    school: DatastoreManager,
) -> None:
    school.merging.merge(OLD, NEW)

    assert outcomes(school, an_enrolment(), an_enrolment("e2", class_id="5b")) == ["stored"] * 2
    assert outcomes(school, an_enrolment("e3", student_id=NEW)) == ["stored"]
    assert outcomes(school, a_guardian()) == ["stored"]
    assert outcomes(school, an_identifier()) == ["stored"]
    assert outcomes(school, demographics()) == ["stored"]

    assert [row[0] for row in periods(school, NEW)] == ["5a", "5a", "5b"]
    assert school.student_descriptions.get_demographics(NEW).sex == "female"
    assert outcomes(school, demographics()) == ["repeated"]
    assert outcomes(school, a_guardian(name="Other")) == ["changed"]
    with pytest.raises(StudentMerged):
        school.get_student(OLD)


def test_demographics_under_two_ids_of_one_batch_are_stored_once(
    school: DatastoreManager,
) -> None:
    school.merging.merge(OLD, NEW)
    school.merging.merge("s003", NEW)

    both = demographics(), demographics(NEW, sex="other"), demographics("s003")
    assert outcomes(school, *both) == ["repeated", "stored", "repeated"]
    assert school.student_descriptions.get_demographics(NEW).sex == "other"


def test_demographics_that_a_source_has_under_the_old_id_do_not_end(
    school: DatastoreManager,
) -> None:
    outcomes(school, demographics(), demographics("s003"))
    school.merging.merge(OLD, NEW)

    ended = school.roster.end_absent(RosterKind.DEMOGRAPHICS, ONEROSTER, [OLD])

    assert ended == Absent(1, 2)
    assert school.student_descriptions.get_demographics(NEW).sex == "female"


def test_an_enrolment_under_the_old_id_begins_again_after_the_other_ended(
    school: DatastoreManager,
) -> None:
    outcomes(school, an_enrolment("o1"), an_enrolment("n1", student_id=NEW))
    school.merging.merge(OLD, NEW)
    school.roster.end_absent(RosterKind.ENROLMENT, ONEROSTER, ["o1"])

    assert outcomes(school, an_enrolment("o1")) == ["stored"]
    assert ("5a", None, None) in periods(school, NEW)


def test_an_archived_class_takes_the_records_of_both_ids_again(
    school: DatastoreManager,
) -> None:
    term = replace(TERM, starts_on=today(-200), ends_on=today(-2))
    school.roster.apply(RosterKind.TERM, [term], ONEROSTER)
    both = an_enrolment("o1"), an_enrolment("n1", student_id=NEW)
    outcomes(school, *both)
    school.merging.merge(OLD, NEW)
    school.year_end.close_term(TERM.id)

    assert outcomes(school, *both) == ["repeated"] * 2
    assert outcomes(school, an_enrolment("o2", student_id="s003")) == [ClassArchived.__name__]
    assert periods(school, NEW) == [("5a", None, today(-1))]


def test_stored_students_include_former_ids(school: DatastoreManager) -> None:
    school.merging.merge(OLD, NEW)

    found = school.roster_lookups.stored_students([OLD, NEW, "nobody"])

    assert found == {OLD, NEW}


def test_erasing_a_former_id_erases_the_roster(school: DatastoreManager) -> None:
    outcomes(school, an_enrolment(), an_enrolment("e2", student_id=NEW, class_id="5b"))
    outcomes(school, a_guardian(name="Xanthippe"))
    outcomes(school, an_identifier(value="xanthippe"))
    outcomes(school, demographics())
    school.merging.merge(OLD, NEW)

    removed = school.students.erase(OLD)

    assert (removed["enrolments"], removed["aliases"], removed["guardians"]) == (2, 1, 1)
    assert (removed["student_identifiers"], removed["student_demographics"]) == (1, 1)
    left = dump(school.database).lower()
    assert "xanthippe" not in left
    assert OLD not in left
    assert outcomes(school, an_enrolment()) == [StudentErased.__name__]
