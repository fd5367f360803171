"""Ids of merged students in staffstuddash: reads, writes, erasure and concurrent writers."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from sqlalchemy import text

from shared_db.connection.database import Database
from shared_db.ids import id_of_key
from shared_db.results import Outcome
from staffstuddash_service.datastore import AssessmentToStore, DatastoreManager, StudentToStore
from staffstuddash_service.datastore.actions import ActionToStore
from staffstuddash_service.datastore.drafts import DraftToStore
from staffstuddash_service.errors import (
    StudentErased,
    StudentExists,
    StudentMerged,
)
from staffstuddash_service.models import Base
from tests.support.databases import OpenDatabase
from tests.support.dumps import dump
from tests.support.factories import NOON
from tests.support.merging import fill, repeated, statements, versions


@pytest.fixture
def own(open_own_database: OpenDatabase) -> DatastoreManager:
    """Give a manager on a database of the test's own."""
    return DatastoreManager(open_own_database(Base.metadata))


READS: dict[str, Callable[[DatastoreManager], object]] = {
    "student": lambda m: m.get_student("old"),
    "record": lambda m: m.get_performance_record("old"),
    "drafts": lambda m: m.drafts.search_by_student("old"),
    "actions": lambda m: m.actions.search_by_student("old"),
    "assessments": lambda m: m.assessments.search_by_student("old"),
    "dashboard": lambda m: m.student_dashboard.get("old"),
    "change": lambda m: m.students.update("old", {"name": "x"}, actor="a"),
    "deletion": lambda m: m.students.delete("old", actor="a"),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_the_old_id_leads_to_the_new_one(
    datastore: DatastoreManager, read: Callable[[DatastoreManager], object]
) -> None:
    datastore.add_student("old", "Ada")
    datastore.merging.merge("old", "new")

    with pytest.raises(StudentMerged) as refusal:
        read(datastore)
    assert refusal.value.target == "new"


def test_rows_sent_under_the_old_id_are_stored_under_the_new_one(
    datastore: DatastoreManager,
) -> None:
    datastore.add_student("old", "Ada")
    datastore.add_student("zoe", "Zoe")
    datastore.merging.merge("old", "new")

    datastore.add_assessment("old", "quiz", "Math", 50)
    datastore.add_draft("old", "essay", "text")
    datastore.actions.add("old", "teacher", "call")
    marks = [AssessmentToStore(id_, "quiz", "Math", 60) for id_ in ("zoe", "old", "new")]
    stored = datastore.assessments.add_many(marks)
    drafts = [DraftToStore(id_, "essay", "text two") for id_ in ("zoe", "old", "new")]
    stored += datastore.drafts.add_many(drafts)
    actions = [ActionToStore(id_, "teacher", "call") for id_ in ("zoe", "old", "new")]
    stored += datastore.actions.add_many(actions)

    assert {one.outcome for one in stored} == {Outcome.STORED}
    found = datastore.get_performance_record("new")
    assert (found.assessment_count, found.draft_count) == (3, 3)
    assert [version for _, version, *_ in versions(datastore, "new")] == [1, 2, 3]
    assert len(datastore.actions.search_by_student("new").items) == 4
    assert len(datastore.actions.search_by_student("zoe").items) == 1


def test_requests_are_replays_before_and_after_a_merge(datastore: DatastoreManager) -> None:
    datastore.add_student("old", "Ada", "ada@school.example")
    sent = {"timestamp": NOON}
    key = id_of_key("caller", "key")

    def send(student_id: str) -> list[bool]:
        return [
            datastore.add_assessment(
                student_id,
                "quiz",
                "Math",
                5,
                assessment_id="m",
                **sent,  # type: ignore[arg-type]
            ).is_replay,
            datastore.add_draft(student_id, "e", "text", draft_id="d", timestamp=NOON).is_replay,
            datastore.actions.add(student_id, "a", "call", action_id=key, **sent).is_replay,  # type: ignore[arg-type]
        ]

    assert send("old") == [False, False, False]
    datastore.merging.merge("old", "new")
    assert send("old") == [True, True, True]
    assert datastore.get_performance_record("new").assessment_count == 1
    # Assessments are compared with their present content, too.
    assert datastore.add_assessment(
        "new", "quiz", "Math", 5, assessment_id="m", timestamp=NOON
    ).is_replay


def test_a_student_sent_again_under_the_old_id_is_a_replay(datastore: DatastoreManager) -> None:
    datastore.add_student("old", "Ada L.")
    datastore.add_student("new", "Ada Lovelace")
    datastore.merging.merge("old", "new")

    sent = [datastore.add_student("old", name) for name in ("Ada L.", "Ada Lovelace")]
    results = datastore.students.add_many(
        [
            StudentToStore("Ada L.", id="old"),
            StudentToStore("Zoe", id="zoe"),
            StudentToStore("Ada L.", id="old"),
        ]
    )

    assert {(one.id, one.name, one.is_replay) for one in sent} == {("new", "Ada Lovelace", True)}
    assert [(one.id, one.outcome) for one in results] == [
        ("new", Outcome.REPEATED),
        ("zoe", Outcome.STORED),
        ("new", Outcome.REPEATED),
    ]
    assert [one.id for one in datastore.students.search().items] == ["new", "zoe"]


def test_another_student_under_the_old_id_is_refused(datastore: DatastoreManager) -> None:
    """The school may give the id to somebody else: their rows are not this student's."""
    datastore.add_student("old", "Ada L.")
    datastore.merging.merge("old", "new")

    with pytest.raises(StudentExists):
        datastore.add_student("old", "Grace")
    results = datastore.students.add_many(
        [StudentToStore("Grace", id="old"), StudentToStore("Zoe", id="zoe")]
    )

    assert [one.outcome for one in results] == [Outcome.CONFLICT, Outcome.STORED]
    assert [one.id for one in datastore.students.search().items] == ["new", "zoe"]


@pytest.mark.parametrize("erased", ["old", "new"])
def test_an_erasure_covers_all_ids(own: DatastoreManager, erased: str) -> None:
    fill(own, "old-marked", 40, 1)
    fill(own, "new-marked", 90, 30)
    own.merging.merge("old-marked", "new-marked")

    removed = own.students.erase(f"{erased}-marked")

    assert (removed["aliases"], removed["assessment_logs"]) == (1, 6)
    after = dump(own.database)
    assert "old-marked" not in after
    assert "new-marked" not in after
    for id_ in ("old-marked", "new-marked"):
        with pytest.raises(StudentErased):
            own.add_assessment(id_, "quiz", "Math", 1)
        with pytest.raises(StudentErased):
            own.merging.merge(id_, "other")


def test_a_merge_beside_writers_of_both_ids_loses_no_row(own: DatastoreManager) -> None:
    """Each writer is done, or is told to repeat; nobody waits in a ring."""
    for student_id in ("a", "b", "c"):
        own.add_student(student_id, "Ada")

    def write(number: int) -> int:
        if number in (10, 20):
            repeated(lambda: own.merging.merge("b", "a" if number == 10 else "c"))
            return 0
        if number % 3 == 0:
            own.add_assessment("b", "quiz", "Math", number, timestamp=NOON)
            return 1
        if number % 3 == 1:
            own.add_draft("a" if number % 2 else "b", "essay", f"text {number}", timestamp=NOON)
            return 0
        marks = [
            AssessmentToStore(id_, "quiz", "Math", 1, timestamp=NOON, id=f"{id_}{number}")
            for id_ in "cab"
        ]
        results = repeated(lambda: own.assessments.add_many(marks))
        assert {one.outcome for one in results} <= {Outcome.STORED, Outcome.REPEATED}
        return 3

    with ThreadPoolExecutor(8) as pool:
        count = sum(pool.map(write, range(60)))

    ids = [one.id for one in own.students.search().items]
    marks = [mark for id_ in ids for mark in own.assessments.search_by_student(id_).items]
    assert ids == ["a", "c"]
    assert len(marks) == count
    for id_ in ids:
        mine = [mark for mark in marks if mark.student_id == id_]
        found = own.get_performance_record(id_)
        assert found.assessment_count == len(mine)
        drafts = versions(own, id_)
        assert [version for _, version, *_ in drafts] == [*range(1, len(drafts) + 1)]


def test_an_erasure_beside_merges_leaves_no_row(own: DatastoreManager) -> None:
    """Either comes first; an erasure that meets a merge is repeated."""
    for number in range(8):
        own.add_student(f"old {number}", "Xanthippe")
        own.add_assessment(f"old {number}", "quiz", "Math", 5)

    def act(number: int) -> None:
        pair = f"old {number // 2}", f"new {number // 2}"
        if number % 2:
            repeated(lambda: own.students.erase(pair[0]))
        else:
            with suppress(StudentErased):
                repeated(lambda: own.merging.merge(*pair))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(act, range(16)))

    assert own.students.search().items == []
    assert "Xanthippe" not in dump(own.database)


def test_two_merges_at_once_are_one(own: DatastoreManager) -> None:
    fill(own, "old", 40, 1)

    with ThreadPoolExecutor(8) as pool:
        reports = list(
            pool.map(lambda _: repeated(lambda: own.merging.merge("old", "new")), range(8))
        )

    assert [one.is_replay for one in reports].count(False) == 1
    assert own.get_performance_record("new").assessment_count == 3


def test_the_alias_is_published(postgres: Database) -> None:
    datastore = DatastoreManager(postgres)
    datastore.add_student("old", "Ada")
    datastore.merging.merge("old", "new")

    with postgres.reading() as session:
        rows = session.execute(text("SELECT * FROM staffstuddash.published_aliases")).mappings()
        [row] = rows.all()

    assert set(row) == {"old_id", "new_id", "merged_at"}
    assert (row["old_id"], row["new_id"]) == ("old", "new")


def test_only_the_lock_reads_the_aliases(datastore: DatastoreManager) -> None:
    """Writes for students without an alias need no statement of their own for it."""
    for student_id in ("a", "b"):
        datastore.add_student(student_id, "Ada")
    with statements() as run:
        datastore.add_assessment("a", "quiz", "Math", 1)
        datastore.add_draft("a", "essay", "text")
        datastore.actions.add("a", "teacher", "call")
        datastore.get_student("a")
    single = [one for one in run if "aliases" in one]
    marks = [AssessmentToStore(id_, "quiz", "Math", 1) for id_ in "ab"]
    with statements() as run:
        datastore.assessments.add_many(marks)
    batch = [one for one in run if "aliases" in one]

    assert single == []
    assert len(batch) == 1
    assert "students" in batch[0]
