"""Roster of merged students: rows of both ids, on both stores."""

from datetime import date

import pytest

from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.datastore.roster.ending import Absent
from staffstuddash_service.domain.roster import Demographics, RosterKind
from staffstuddash_service.models import Base
from tests.support.databases import OpenDatabase
from tests.support.dumps import dump
from tests.support.rosters import (
    ONEROSTER,
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


def test_a_rename_moves_the_whole_roster(school: DatastoreManager) -> None:
    outcomes(school, an_enrolment(valid_to=today(-9)), an_enrolment("e2", class_id="5b"))
    outcomes(school, an_advising())
    outcomes(school, a_guardian())
    outcomes(school, an_identifier(), an_identifier(system="other"))
    outcomes(school, demographics())

    report = school.merging.merge(OLD, "new")

    tables = {
        "enrolments": 2,
        "advising_assignments": 1,
        "guardians": 1,
        "student_identifiers": 2,
        "student_demographics": 1,
    }
    assert {name: report.moved[name] for name in tables} == tables
    assert set(report.conflicts.values()) == {0}
    assert periods(school, "new") == [("5a", None, today(-9)), ("5b", None, None)]
    of_student = school.student_descriptions.list_of_student
    assert [row.id for row in of_student(RosterKind.GUARDIAN, "new")] == ["g1"]
    assert len(of_student(RosterKind.IDENTIFIER, "new")) == 2
    assert school.student_descriptions.get_demographics("new").sex == "female"
    advised = school.roster.search_relations(RosterKind.ADVISING, ("person_id", "t1"))
    assert [row.student_id for row in advised] == ["new"]


def test_overlapping_periods_of_a_class_become_one(school: DatastoreManager) -> None:
    outcomes(
        school,
        an_enrolment("o1", valid_from=today(-90), valid_to=today(-60)),
        an_enrolment("o2", valid_from=today(-50), valid_to=today(-20)),
        an_enrolment("o3", class_id="5b", valid_from=today(-50)),
        an_enrolment("n1", student_id=NEW, valid_from=today(-30)),
        an_enrolment("n2", student_id=NEW, class_id="5b", valid_to=today(-50)),
    )

    report = school.merging.merge(OLD, NEW)

    assert (report.moved["enrolments"], report.conflicts["enrolments"]) == (2, 1)
    assert periods(school, NEW) == [
        ("5a", today(-50), None),
        ("5a", today(-90), today(-60)),
        ("5b", None, today(-50)),
        ("5b", today(-50), None),
    ]
    assert school.merging.merge(OLD, NEW).is_replay


def test_one_period_may_join_several(school: DatastoreManager) -> None:
    outcomes(
        school,
        an_enrolment("n1", student_id=NEW, valid_from=today(-90), valid_to=today(-60)),
        an_enrolment("n2", student_id=NEW, valid_from=today(-50), valid_to=today(-20)),
        an_enrolment("o1", valid_from=today(-70), valid_to=today(-40)),
    )

    report = school.merging.merge(OLD, NEW)

    assert (report.moved["enrolments"], report.conflicts["enrolments"]) == (0, 1)
    assert periods(school, NEW) == [("5a", today(-90), today(-20))]


def test_a_period_of_a_source_is_kept_before_one_by_hand(school: DatastoreManager) -> None:
    outcomes(school, an_enrolment("o1"))
    outcomes(school, an_enrolment("n1", student_id=NEW), source="manual")

    school.merging.merge(OLD, NEW)

    assert school.roster.end_absent(RosterKind.ENROLMENT, ONEROSTER, []) == Absent(1, 1)
    assert periods(school, NEW) == [("5a", None, today())]


def test_advising_of_one_person_becomes_one(school: DatastoreManager) -> None:
    outcomes(
        school,
        an_advising(valid_from=today(-9)),
        an_advising(id="v2", person_id="t2"),
        an_advising(id="v3", student_id=NEW, valid_to=today(-5)),
    )

    report = school.merging.merge(OLD, NEW)

    name = "advising_assignments"
    assert (report.moved[name], report.conflicts[name]) == (1, 1)
    rows = school.roster.search_relations(RosterKind.ADVISING, ("student_id", NEW))
    assert [(row.person_id, row.valid_from, row.valid_to) for row in rows] == [
        ("t1", None, None),
        ("t2", None, None),
    ]


def test_guardians_and_identifiers_of_both_ids_stay(school: DatastoreManager) -> None:
    outcomes(school, a_guardian(), a_guardian(id="g2", student_id=NEW))
    outcomes(school, an_identifier(), an_identifier(student_id=NEW, value="ada2"))

    school.merging.merge(OLD, NEW)

    of_student = school.student_descriptions.list_of_student
    assert [row.id for row in of_student(RosterKind.GUARDIAN, NEW)] == ["g1", "g2"]
    values = {row.value for row in of_student(RosterKind.IDENTIFIER, NEW)}
    assert values == {"ada", "ada2"}


def test_demographics_of_the_new_id_stay(school: DatastoreManager) -> None:
    outcomes(school, demographics(), demographics(NEW, sex="other"))

    report = school.merging.merge(OLD, NEW)

    name = "student_demographics"
    assert (report.moved[name], report.conflicts[name]) == (0, 1)
    assert school.student_descriptions.get_demographics(NEW).sex == "other"


def test_a_dry_run_joins_no_periods(school: DatastoreManager) -> None:
    outcomes(school, an_enrolment("o1"), an_enrolment("n1", student_id=NEW))
    outcomes(school, demographics(), demographics(NEW, sex="other"))
    before = dump(school.database)

    planned = school.merging.merge(OLD, NEW, dry_run=True)

    assert dump(school.database) == before
    assert school.merging.merge(OLD, NEW) == planned
