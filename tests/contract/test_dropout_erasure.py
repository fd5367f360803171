"""Erasing a student on both stores: nothing stays, and nothing comes back."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text

from dropout_service.database import DropoutDatabaseManager, EventToStore
from dropout_service.database.students.store import STUDENT, StudentToStore
from dropout_service.domain.enums import EventType
from dropout_service.errors import StudentErased
from dropout_service.models import (
    Base,
    Course,
    Coursework,
    Deletion,
    Enrolment,
    EnrolmentBackground,
    Submission,
)
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.pseudonyms import pseudonym_of
from shared_db.spool.queue import Spool
from shared_db.writes.idempotent_insert import Outcome
from staffstuddash_service.datastore import DatastoreManager
from tests.e2e.processes import wait_until
from tests.support.databases import OpenDatabase, engine_on, waits_for_a_lock
from tests.support.factories import NOON, days

Call = Callable[[DropoutDatabaseManager], object]

# Tables in which nothing is of a student.
OF_SCHOOLS = ("background_work", "courses", "coursework", "models")


def fill(manager: DropoutDatabaseManager, student_id: str) -> None:
    manager.add_student(student_id, "Xanthippe", "x@school.example")
    manager.add_learning_event(None, student_id, "q1", "QUESTION_SUBMIT", occurred_at=NOON)
    manager.add_assessment(student_id, "quiz", "Math", 50, submitted_at=NOON)
    manager.compute_features(student_id, as_of=NOON + days(20))
    prediction = manager.predict(student_id, as_of=NOON + days(20))
    manager.add_feedback(prediction.id, "accepted", note="about Xanthippe")
    manager.add_learning_event(
        None, student_id, None, "RESOURCE_VIEW", data={"activity": "quiz"}, occurred_at=NOON
    )
    enrol(manager, student_id)


def enrol(manager: DropoutDatabaseManager, student_id: str) -> None:
    """Enrol the student in a course of their own, with work handed in."""
    named = {"id": f"of {student_id}", "digest": b"0"}
    rows = [
        Course(**named, module="M", presentation="P", starts_on=date(2026, 3, 1), length_days=100),
        Enrolment(**named, student_id=student_id, course_id=named["id"]),
        EnrolmentBackground(enrolment_id=named["id"], region="Xanthippe's"),
        Coursework(**named, course_id=named["id"], type="TMA", weight=10, is_exam=False),
        Submission(
            **named,
            coursework_id=named["id"],
            enrolment_id=named["id"],
            submitted_day=3,
            is_banked=False,
        ),
    ]
    with manager.database.unit_of_work() as session:
        for row in rows:
            session.add(row)
            session.flush()


def counts(manager: DropoutDatabaseManager) -> dict[str, int]:
    schema = "" if manager.use_fallback else "dropout."
    with manager.database.reading() as session:
        return {
            table.name: session.scalar(text(f"SELECT count(*) FROM {schema}{table.name}")) or 0
            for table in Base.metadata.sorted_tables
            if table.name not in OF_SCHOOLS
        }


def test_nothing_of_the_student_stays(db_manager: DropoutDatabaseManager) -> None:
    fill(db_manager, "s001")
    fill(db_manager, "s002")
    both = counts(db_manager)

    removed = db_manager.erase_student("s001")

    assert removed == {**dict.fromkeys(removed, 1), "learning_events": 2}
    assert {*removed, "deletions"} == set(both)
    left = counts(db_manager)
    assert left == {**{table: count // 2 for table, count in both.items()}, "deletions": 1}


def test_erasing_again_removes_nothing(db_manager: DropoutDatabaseManager) -> None:
    fill(db_manager, "s001")
    db_manager.erase_student("s001")

    assert set(db_manager.erase_student("s001").values()) == {0}
    assert counts(db_manager)["deletions"] == 1


CALLS: dict[str, Call] = {
    "student": lambda m: m.add_student("s001", "Xanthippe"),
    "event": lambda m: m.add_learning_event(None, "s001", None, "NAVIGATION"),
    "mark": lambda m: m.add_assessment("s001", "quiz", "Math", 50),
    "features": lambda m: m.compute_features("s001"),
    "features from elsewhere": lambda m: m.save_feature_set(None, "s001", {}),
    "prediction": lambda m: m.predict("s001"),
    "prediction from elsewhere": lambda m: m.save_prediction(None, "s001", "COGNITIVE", 0.5),
    "reading the student": lambda m: m.get_student("s001"),
    "reading events": lambda m: m.get_student_events("s001"),
    "reading attempts": lambda m: m.get_student_attempts("s001"),
    "reading marks": lambda m: m.get_student_assessments("s001"),
    "reading features": lambda m: m.get_student_features("s001"),
    "reading the latest features": lambda m: m.get_latest_features("s001"),
    "reading predictions": lambda m: m.get_student_predictions("s001"),
    "reading the latest prediction": lambda m: m.get_latest_prediction("s001"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_whatever_comes_later_is_refused(db_manager: DropoutDatabaseManager, call: Call) -> None:
    fill(db_manager, "s001")
    db_manager.erase_student("s001")

    with pytest.raises(StudentErased):
        call(db_manager)
    assert {*counts(db_manager).values()} == {0, 1}


def test_a_batch_keeps_what_is_of_others(db_manager: DropoutDatabaseManager) -> None:
    db_manager.erase_student("s001")

    events = [EventToStore(id_, EventType.NAVIGATION) for id_ in ("s001", "s002", "s001")]
    _, outcomes = db_manager.add_learning_events(events)

    assert outcomes == [Outcome.ERASED, Outcome.STORED, Outcome.ERASED]
    assert counts(db_manager)["learning_events"] == 1


def test_a_cohort_leaves_the_deleted_out(db_manager: DropoutDatabaseManager) -> None:
    fill(db_manager, "s001")
    fill(db_manager, "s002")
    with db_manager.database.unit_of_work() as session:
        session.add(Deletion(pseudonym=pseudonym_of("s001"), deleted_at=utc_now()))

    batch = db_manager.predict_batch(NOON + days(30))

    assert (batch.students, batch.stored) == (1, 1)


def test_rows_that_came_in_meanwhile_are_swept(db_manager: DropoutDatabaseManager) -> None:
    fill(db_manager, "s001")
    fill(db_manager, "s002")
    with db_manager.database.unit_of_work() as session:
        session.add(Deletion(pseudonym=pseudonym_of("s001"), deleted_at=utc_now()))

    assert db_manager.erase_deleted_students() == 1
    assert db_manager.erase_deleted_students() == 0
    assert counts(db_manager)["students"] == 1


def test_who_is_deleted_in_staffstuddash_is_erased_here(postgres: Database) -> None:
    datastore, manager = DatastoreManager(postgres), DropoutDatabaseManager(postgres)
    datastore.add_student("s001", "Xanthippe")
    fill(manager, "s001")
    datastore.delete_student("s001", actor="test")

    with pytest.raises(StudentErased):
        manager.get_student("s001")
    with pytest.raises(StudentErased):
        manager.add_learning_event(None, "s001", None, "NAVIGATION")
    assert manager.erase_deleted_students() == 1
    assert counts(manager) == {**dict.fromkeys(counts(manager), 0), "deletions": 1}


def test_what_was_refused_of_them_is_removed_from_the_spool(
    postgres: Database, tmp_path: Path
) -> None:
    DatastoreManager(postgres).erase_student("s001")
    spool = Spool(tmp_path / "spool.db")
    sent = [StudentToStore(id_, accepted_at=NOON) for id_ in ("s001", "s002")]
    spool.accept([STUDENT.entry(student) for student in sent])
    spool.refuse((entry, "no") for entry in spool.oldest(2))
    postgres.use_spool(spool)
    DropoutDatabaseManager(postgres).erase_deleted_students()
    kept = spool.every()
    spool.close()

    assert [entry.id for entry in kept] == ["s002"]


def test_writing_and_erasing_at_once_leaves_nothing(open_own_database: OpenDatabase) -> None:
    manager = DropoutDatabaseManager(open_own_database(Base.metadata))

    def work(turn: int) -> None:
        if turn == 6:
            manager.erase_student("s001")
            return
        with suppress(StudentErased):
            manager.add_learning_event(None, "s001", "q1", "QUESTION_SUBMIT", occurred_at=NOON)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(12)))
    manager.erase_deleted_students()

    assert counts(manager) == {**dict.fromkeys(counts(manager), 0), "deletions": 1}


def test_an_event_that_waits_for_an_erasure_brings_nobody_back(private_url: str) -> None:
    engine = engine_on(private_url)
    manager = DropoutDatabaseManager(Database.on(engine))
    late = EventToStore("s001", EventType.NAVIGATION, occurred_at=NOON)
    manager.add_learning_events([late])
    tombstone = {"name": pseudonym_of("s001")}

    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as erasing:
            erasing.execute(text("INSERT INTO dropout.deletions VALUES (:name, now())"), tombstone)
            for table in ("daily_activity", "learning_events", "students"):
                erasing.execute(text(f"DELETE FROM dropout.{table}"))
            adding = pool.submit(manager.add_learning_events, [late])
            wait_until(lambda: waits_for_a_lock(engine) or adding.done(), 10)
        _, outcomes = adding.result()

    assert outcomes == [Outcome.ERASED]
    assert counts(manager)["students"] == counts(manager)["learning_events"] == 0
    engine.dispose()
