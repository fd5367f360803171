"""Ids of merged students in dropout: reads, writes, erasure, imports and concurrent writers."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from dropout_service.database import DropoutDatabaseManager, EventToStore
from dropout_service.database.assessments import AssessmentToStore
from dropout_service.database.students.store import StudentToStore
from dropout_service.domain.enums import EventType
from dropout_service.errors import SameStudent, StudentErased, StudentExists, StudentMerged
from dropout_service.models import (
    Base,
)
from shared_db.results import Outcome
from tests.contract.test_rollup import rebuilt, rollup
from tests.support.databases import OpenDatabase
from tests.support.dumps import dump
from tests.support.factories import NOON, days
from tests.support.merging import answers_and_views as events
from tests.support.merging import repeated, statements

AS_OF = NOON + days(20)
SUBMIT = EventType.QUESTION_SUBMIT


@pytest.fixture
def own(open_own_database: OpenDatabase) -> DropoutDatabaseManager:
    """Give a manager on a database of the test's own."""
    return DropoutDatabaseManager(open_own_database(Base.metadata))


READS: dict[str, Callable[[DropoutDatabaseManager], object]] = {
    "student": lambda m: m.students.get("old"),
    "change": lambda m: m.students.update("old", {"name": "x"}),
    "events": lambda m: m.events.search("old"),
    "attempts": lambda m: m.events.search_attempts("old"),
    "marks": lambda m: m.assessments.search("old"),
    "corrections": lambda m: m.assessments.search_corrections("old"),
    "features": lambda m: m.features.search("old"),
    "latest features": lambda m: m.features.get_latest("old"),
    "predictions": lambda m: m.predictions.search_student("old"),
    "latest prediction": lambda m: m.predictions.get_latest("old"),
    "computing features": lambda m: m.features.compute("old"),
    "predicting": lambda m: m.predictions.predict("old"),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_the_old_id_leads_to_the_new_one(
    db_manager: DropoutDatabaseManager, read: Callable[[DropoutDatabaseManager], object]
) -> None:
    db_manager.merging.merge("old", "new")

    with pytest.raises(StudentMerged) as refusal:
        read(db_manager)
    assert refusal.value.target == "new"


def test_rows_sent_under_the_old_id_are_stored_under_the_new_one(
    db_manager: DropoutDatabaseManager,
) -> None:
    db_manager.merging.merge("old", "new")

    event = db_manager.events.add("e", "old", None, "NAVIGATION", occurred_at=NOON)
    again = db_manager.events.add("e", "old", None, "NAVIGATION", occurred_at=NOON)
    mark = db_manager.assessments.add("old", "quiz", "Math", 5, submitted_at=NOON)
    given = db_manager.predictions.add(None, "old", "COGNITIVE", 0.5)
    features = db_manager.features.add(None, "old", {})
    student = db_manager.students.add("old", "Ada")
    stored = db_manager.events.add_many(
        [one for id_ in ("zoe", "old", "new", "abe") for one in events(id_, range(2))]
    )
    stored += db_manager.assessments.add_many(
        [AssessmentToStore(id_, "quiz", "Math", 5) for id_ in ("zoe", "old", "new")]
    )
    sent = db_manager.students.add_many([StudentToStore("old", "Ada"), StudentToStore("zoe", "Z")])

    assert {one.student_id for one in (event, again, mark, given, features)} == {"new"}
    assert (again.is_replay, student.id, student.name) == (True, "new", "Ada")
    assert {one.outcome for one in stored} == {Outcome.STORED}
    assert [one.outcome for one in sent] == [Outcome.REPEATED, Outcome.STORED]
    assert len(db_manager.events.search("new").items) == 5
    assert len(db_manager.assessments.search("new").items) == 3
    assert [one.id for one in db_manager.students.search().items] == ["abe", "new", "zoe"]


def test_names_under_the_old_id_are_replays_or_conflicts(
    db_manager: DropoutDatabaseManager,
) -> None:
    db_manager.students.add("old", "Ada L.")
    db_manager.students.add("new", "Ada Lovelace")
    db_manager.merging.merge("old", "new")

    for name in ("Ada L.", "Ada Lovelace"):
        assert db_manager.students.add("old", name).is_replay
    with pytest.raises(StudentExists):
        db_manager.students.add("old", "Grace")
    assert db_manager.students.get("new").name == "Ada Lovelace"


def test_events_are_replays_before_and_after_a_merge(db_manager: DropoutDatabaseManager) -> None:
    sent = events("old", range(9))
    db_manager.events.add_many(sent)
    db_manager.assessments.add("old", "quiz", "Math", 5, assessment_id="m", submitted_at=NOON)
    db_manager.merging.merge("old", "new")

    results = db_manager.events.add_many(sent)
    mark = db_manager.assessments.add(
        "old", "quiz", "Math", 5, assessment_id="m", submitted_at=NOON
    )

    assert {one.outcome for one in results} == {Outcome.REPEATED}
    assert (mark.is_replay, mark.student_id) == (True, "new")


def test_events_sent_again_under_another_id_are_replays(
    db_manager: DropoutDatabaseManager,
) -> None:
    """As a system does that exports its events again after the ids were changed."""
    old, new = (events(id_, range(9), "e") for id_ in ("old", "new"))
    db_manager.events.add_many(old[:5])
    db_manager.merging.merge("old", "new")
    db_manager.events.add_many(new[5:])

    results = [db_manager.events.add_many(sent) for sent in (new, old)]
    other = EventToStore("new", SUBMIT, "e-1", "another question", occurred_at=NOON)
    single = db_manager.events.add(
        "e-4", "new", "q0", SUBMIT, course="math", data=new[4].data, occurred_at=new[4].occurred_at
    )

    assert {one.outcome for results_of in results for one in results_of} == {Outcome.REPEATED}
    assert [one.outcome for one in db_manager.events.add_many([other])] == [Outcome.CONFLICT]
    assert (single.is_replay, single.student_id) == (True, "new")
    assert len(db_manager.events.search("new").items) == 9
    stranger = EventToStore("zoe", SUBMIT, "e-1", occurred_at=NOON)
    assert [one.outcome for one in db_manager.events.add_many([stranger])] == [Outcome.CONFLICT]


def test_repeated_dry_and_chained_merges(own: DropoutDatabaseManager) -> None:
    for id_ in "abc":
        own.events.add_many(events(id_, range(5)))
        own.predictions.predict(id_, as_of=AS_OF)
    before = dump(own.database)
    planned = own.merging.merge("a", "b", dry_run=True)
    after_dry_run = dump(own.database)
    report = own.merging.merge("a", "b")
    merged = dump(own.database)
    again = own.merging.merge("a", "b")

    assert after_dry_run == before
    assert report == planned
    assert again.is_replay
    assert dump(own.database) == merged
    assert own.merging.merge("b", "c").target == "c"
    assert own.merging.merge("a", "b").is_replay
    with pytest.raises(SameStudent):
        own.merging.merge("c", "a")
    with pytest.raises(SameStudent):
        own.merging.merge("c", "c")
    assert len(own.events.search("c").items) == 15


@pytest.mark.parametrize("erased", ["old-marked", "new-marked"])
def test_an_erasure_covers_all_ids(own: DropoutDatabaseManager, erased: str) -> None:
    for id_ in ("old-marked", "new-marked"):
        own.events.add_many(events(id_, range(5)))
    own.merging.merge("old-marked", "new-marked")

    removed = own.students.erase(erased)

    assert (removed["aliases"], removed["learning_events"]) == (1, 10)
    assert "marked" not in dump(own.database)
    for id_ in ("old-marked", "new-marked"):
        with pytest.raises(StudentErased):
            own.events.add(None, id_, None, "NAVIGATION")
        with pytest.raises(StudentErased):
            own.merging.merge(id_, "other")


def test_a_merge_beside_writers_of_both_ids_loses_no_row(own: DropoutDatabaseManager) -> None:
    """Each row is stored under the present id, also of a student who is new in the merge."""

    def write(number: int) -> int:
        if number in (10, 25):
            repeated(lambda: own.merging.merge(*(("b", "a") if number == 10 else ("new", "a"))))
            return 0
        if number % 2:
            repeated(lambda: own.events.add(None, "b", None, "NAVIGATION", occurred_at=NOON))
            return 1
        sent = [
            EventToStore(
                id_,
                EventType.QUESTION_SUBMIT,
                f"{id_}{number}",
                "q1",
                occurred_at=NOON + days(number / 9),
            )
            for id_ in ("c", "new", "a", "b")
        ]
        results = repeated(lambda: own.events.add_many(sent))
        assert {one.outcome for one in results} <= {Outcome.STORED, Outcome.REPEATED}
        return 4

    with ThreadPoolExecutor(8) as pool:
        count = sum(pool.map(write, range(60)))

    assert [one.id for one in own.students.search().items] == ["a", "c"]
    stored = [own.events.search(id_, limit=1000).items for id_ in ("a", "c")]
    assert sum(map(len, stored)) == count
    for id_ in ("a", "c"):
        assert rollup(own, id_) == rebuilt(own, id_)


def test_writes_for_known_students_read_no_alias(db_manager: DropoutDatabaseManager) -> None:
    """The aliases are read only if a student is missing."""
    db_manager.events.add_many([one for id_ in "ab" for one in events(id_, range(2))])
    with statements() as run:
        db_manager.events.add(None, "a", None, "NAVIGATION")
        db_manager.events.add_many([one for id_ in "ab" for one in events(id_, range(2, 4))])
        db_manager.assessments.add("a", "quiz", "Math", 5)
        db_manager.events.search("a")
        db_manager.predictions.predict("a", as_of=AS_OF)

    assert len(run) > 5
    assert [one for one in run if "aliases" in one] == []
