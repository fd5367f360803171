"""Merge of two ids of one student in staffstuddash, on both stores."""

import pytest

from shared_db.pseudonyms import pseudonym_of
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.errors import (
    MergedElsewhere,
    SameStudent,
    StudentErased,
    StudentMerged,
    StudentNotFound,
)
from staffstuddash_service.models import Base
from tests.support.databases import OpenDatabase
from tests.support.dumps import dump
from tests.support.factories import NOON, days
from tests.support.merging import NO_ROSTER, NO_ROSTER_CONFLICTS, WORDS, fill, record, versions


@pytest.fixture
def own(open_database: OpenDatabase) -> DatastoreManager:
    """Give a manager on a database of the test's own."""
    return DatastoreManager(open_database(Base.metadata))


def test_the_new_id_has_all_rows_and_the_record_of_all(datastore: DatastoreManager) -> None:
    fill(datastore, "old", 40, 1)
    fill(datastore, "new", 90, 30)
    datastore.add_student("whole", "Whole")
    for student_id, score, day in (("old", 40, 1), ("new", 90, 30)):
        for number in range(3):
            at = NOON + days(day + number)
            datastore.add_assessment("whole", "quiz", "Math", score, topic="sets", timestamp=at)
        for draft in reversed(datastore.drafts.search_by_student(student_id).items):
            datastore.add_draft("whole", "essay", draft.content, timestamp=draft.timestamp)

    report = datastore.merging.merge("old", "new", actor="office")

    assert (report.target, report.is_replay) == ("new", False)
    assert report.moved == {
        "students": 1,
        "assessment_logs": 3,
        "drafts": 2,
        "action_logs": 1,
        **NO_ROSTER,
    }
    assert report.conflicts == {
        "students": 1,
        "performance_records": 1,
        "drafts": 2,
        **NO_ROSTER_CONFLICTS,
    }
    assert report.recomputed == {"performance_records": 1, "concept_standings": 1, "drafts": 4}
    assert record(datastore, "new") == record(datastore, "whole")
    assert versions(datastore, "new") == versions(datastore, "whole")
    assert [version for _, version, *_ in versions(datastore, "new")] == [1, 2, 3, 4]
    student = datastore.get_student("new")
    assert (student.name, student.email) == ("Name of new", "new@school.example")
    actions = {one.action: one for one in datastore.actions.search_by_student("new").items}
    assert set(actions) == {"call", "student.merged"}
    assert actions["student.merged"].data == {"pseudonym": pseudonym_of("old")}
    assert actions["student.merged"].actor == "office"


def test_a_student_without_the_new_id_is_renamed(datastore: DatastoreManager) -> None:
    fill(datastore, "old", 40, 1)
    before, drafts = record(datastore, "old"), versions(datastore, "old")

    report = datastore.merging.merge("old", "new")

    assert set(report.conflicts.values()) == {0}
    assert (record(datastore, "new"), versions(datastore, "new")) == (before, drafts)
    student = datastore.get_student("new")
    assert (student.name, student.email) == ("Name of old", "old@school.example")
    assert [one.id for one in datastore.students.search(search="name of old").items] == ["new"]


def test_an_absent_email_is_that_of_the_old_id(datastore: DatastoreManager) -> None:
    datastore.add_student("old", "Ada L.", "ada@school.example")
    datastore.add_student("new", "Ada Lovelace")

    datastore.merging.merge("old", "new")

    student = datastore.get_student("new")
    assert (student.name, student.email) == ("Ada Lovelace", "ada@school.example")
    assert datastore.students.search(search="ada@school").items[0].id == "new"


def test_drafts_of_other_assignments_keep_versions_and_comparisons(
    datastore: DatastoreManager,
) -> None:
    for student_id in ("old", "new"):
        datastore.add_student(student_id, "Ada")
        for number in (2, 1):  # the later one is handed in first
            content = " ".join(WORDS[: 4 * number])
            at = NOON + days(number)
            datastore.add_draft(student_id, f"of-{student_id}", content, timestamp=at)
    before = versions(datastore, "old") + versions(datastore, "new")

    report = datastore.merging.merge("old", "new")

    assert (report.conflicts["drafts"], report.recomputed["drafts"]) == (0, 0)
    assert versions(datastore, "new") == sorted(before)


def test_repeating_a_merge_changes_nothing(own: DatastoreManager) -> None:
    fill(own, "old", 40, 1)
    fill(own, "new", 90, 30)
    own.merging.merge("old", "new")
    before = dump(own.database)

    report = own.merging.merge("old", "new")

    assert report.is_replay
    assert report.moved == report.conflicts == report.recomputed == {}
    assert dump(own.database) == before


def test_a_dry_run_reports_the_same_and_changes_nothing(own: DatastoreManager) -> None:
    fill(own, "old", 40, 1)
    fill(own, "new", 90, 30)
    before = dump(own.database)

    planned = own.merging.merge("old", "new", dry_run=True)

    assert dump(own.database) == before
    assert own.merging.merge("old", "new") == planned


@pytest.mark.parametrize("first", [("a", "b"), ("b", "c")])
def test_a_chain_leads_to_its_end(datastore: DatastoreManager, first: tuple[str, str]) -> None:
    for student_id in "abc":
        fill(datastore, student_id, 50, 1)
    second = ({("a", "b"), ("b", "c")} - {first}).pop()

    datastore.merging.merge(*first)
    report = datastore.merging.merge(*second)

    assert report.target == "c"
    assert datastore.get_performance_record("c").assessment_count == 9
    for former in ("a", "b"):
        with pytest.raises(StudentMerged) as refusal:
            datastore.get_student(former)
        assert refusal.value.target == "c"
    assert datastore.merging.merge("a", "b").is_replay


def test_impossible_merges_are_refused(datastore: DatastoreManager) -> None:
    for student_id in ("a", "b", "c", "gone"):
        datastore.add_student(student_id, "Ada")
    datastore.students.erase("gone")
    datastore.merging.merge("a", "b")

    for ids, refusal in {
        ("b", "b"): SameStudent,
        ("b", "a"): SameStudent,
        ("a", "c"): MergedElsewhere,
        ("nobody", "b"): StudentNotFound,
        ("nobody", "no one"): StudentNotFound,
        ("gone", "b"): StudentErased,
        ("b", "gone"): StudentErased,
    }.items():
        with pytest.raises(refusal):
            datastore.merging.merge(*ids)
