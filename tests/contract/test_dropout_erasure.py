"""Erasure of a student on both stores: no row stays, and no later row is stored."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import text
from sqlalchemy.event import listen

from dropout_service.database import DropoutDatabaseManager, EventToStore
from dropout_service.database.students.store import STUDENT, StudentToStore
from dropout_service.domain.enums import EventType
from dropout_service.errors import StudentErased
from dropout_service.models import (
    Base,
    Course,
    Coursework,
    Deletion,
    DrawnPlace,
    Enrolment,
    EnrolmentBackground,
    Submission,
)
from shared_db.audit.rows import Chain, Read
from shared_db.audit.storing import ReadStore
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.pseudonyms import pseudonym_of
from shared_db.results import Outcome
from shared_db.spool.queue import Spool
from staffstuddash_service.datastore import DatastoreManager
from tests.e2e.processes import wait_until
from tests.support.databases import OpenDatabase, engine_on, waits_for_a_lock
from tests.support.factories import NOON, days

Call = Callable[[DropoutDatabaseManager], object]

# Tables without rows of students.
TABLES_WITHOUT_STUDENTS = (
    "background_work",
    "courses",
    "coursework",
    "model_weeks",
    "models",
    "reads",
)


def fill(manager: DropoutDatabaseManager, student_id: str) -> None:
    manager.students.add(student_id, "Xanthippe", "x@school.example")
    manager.events.add(None, student_id, "q1", "QUESTION_SUBMIT", occurred_at=NOON)
    mark = manager.assessments.add(student_id, "quiz", "Math", 50, submitted_at=NOON)
    manager.assessments.update(mark.id, {"score": 60.0}, actor="office", reason="Xanthippe's")
    manager.features.compute(student_id, as_of=NOON + days(20))
    prediction = manager.predictions.predict(student_id, as_of=NOON + days(20))
    manager.feedback.add(prediction.id, "accepted", note="about Xanthippe")
    manager.events.add(
        None, student_id, None, "RESOURCE_VIEW", data={"activity": "quiz"}, occurred_at=NOON
    )
    enrol(manager, student_id)
    read = Read(NOON, "t1", True, "/api/v1/students/{student_id}", [student_id])
    ReadStore(manager.database, Base.metadata).add(Chain("dropout").extend([read]))
    manager.merging.merge(f"former-{student_id}", student_id)


def enrol(manager: DropoutDatabaseManager, student_id: str) -> None:
    """Enrol the student in a course of their own, with a submission."""
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
        DrawnPlace(
            course=named["id"],
            week=date(2026, 3, 2),
            student_id=student_id,
            place=1,
            position=2,
            band_first=1,
            band_last=5,
            as_of=NOON,
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
            if table.name not in TABLES_WITHOUT_STUDENTS
        }


def test_no_row_of_the_student_stays(db_manager: DropoutDatabaseManager) -> None:
    fill(db_manager, "s001")
    fill(db_manager, "s002")
    both = counts(db_manager)

    removed = db_manager.students.erase("s001")

    kept = {"overall_risks": 0} if db_manager.use_fallback else {}
    assert removed == {**dict.fromkeys(removed, 1), "learning_events": 2, **kept}
    assert {*removed, "deletions"} == set(both)
    left = counts(db_manager)
    assert left == {**{table: count // 2 for table, count in both.items()}, "deletions": 2}


def test_erasing_again_removes_nothing(db_manager: DropoutDatabaseManager) -> None:
    fill(db_manager, "s001")
    db_manager.students.erase("s001")

    assert set(db_manager.students.erase("s001").values()) == {0}
    assert counts(db_manager)["deletions"] == 2


CALLS: dict[str, Call] = {
    "student": lambda m: m.students.add("s001", "Xanthippe"),
    "event": lambda m: m.events.add(None, "s001", None, "NAVIGATION"),
    "mark": lambda m: m.assessments.add("s001", "quiz", "Math", 50),
    "features": lambda m: m.features.compute("s001"),
    "features from elsewhere": lambda m: m.features.add(None, "s001", {}),
    "prediction": lambda m: m.predictions.predict("s001"),
    "prediction from elsewhere": lambda m: m.predictions.add(None, "s001", "COGNITIVE", 0.5),
    "reading the student": lambda m: m.students.get("s001"),
    "reading events": lambda m: m.events.search("s001"),
    "reading attempts": lambda m: m.events.search_attempts("s001"),
    "reading marks": lambda m: m.assessments.search("s001"),
    "reading corrections": lambda m: m.assessments.search_corrections("s001"),
    "reading features": lambda m: m.features.search("s001"),
    "reading the latest features": lambda m: m.features.get_latest("s001"),
    "reading predictions": lambda m: m.predictions.search_student("s001"),
    "reading the latest prediction": lambda m: m.predictions.get_latest("s001"),
}


def test_every_later_call_is_rejected(
    db_manager: DropoutDatabaseManager, subtests: pytest.Subtests
) -> None:
    fill(db_manager, "s001")
    db_manager.students.erase("s001")

    for name, call in CALLS.items():
        with subtests.test(name):
            with pytest.raises(StudentErased):
                call(db_manager)
            assert {*counts(db_manager).values()} == {0, 2}


def test_a_batch_stores_the_events_of_other_students(db_manager: DropoutDatabaseManager) -> None:
    db_manager.students.erase("s001")

    events = [EventToStore(id_, EventType.NAVIGATION) for id_ in ("s001", "s002", "s001")]
    results = db_manager.events.add_many(events)

    outcomes = [result.outcome for result in results]
    assert outcomes == [Outcome.ERASED, Outcome.STORED, Outcome.ERASED]
    assert counts(db_manager)["learning_events"] == 1


def test_a_cohort_leaves_erased_students_out(db_manager: DropoutDatabaseManager) -> None:
    fill(db_manager, "s001")
    fill(db_manager, "s002")
    with db_manager.database.unit_of_work() as session:
        session.add(Deletion(pseudonym=pseudonym_of("s001"), deleted_at=utc_now()))

    batch = db_manager.batch_predictions.predict_by_rules(NOON + days(30))

    assert (batch.students, batch.stored) == (1, 1)


def test_rows_inserted_during_an_erasure_are_erased_later(
    db_manager: DropoutDatabaseManager,
) -> None:
    fill(db_manager, "s001")
    fill(db_manager, "s002")
    with db_manager.database.unit_of_work() as session:
        session.add(Deletion(pseudonym=pseudonym_of("s001"), deleted_at=utc_now()))

    assert db_manager.students.erase_deleted() == 1
    assert db_manager.students.erase_deleted() == 0
    assert counts(db_manager)["students"] == 1


def test_a_student_erased_in_staffstuddash_is_erased_here(postgres: Database) -> None:
    datastore, manager = DatastoreManager(postgres), DropoutDatabaseManager(postgres)
    datastore.add_student("s001", "Xanthippe")
    fill(manager, "s001")
    datastore.students.delete("s001", actor="test")

    with pytest.raises(StudentErased):
        manager.students.get("s001")
    with pytest.raises(StudentErased):
        manager.events.add(None, "s001", None, "NAVIGATION")
    assert manager.students.erase_deleted() == 1
    assert counts(manager) == {**dict.fromkeys(counts(manager), 0), "deletions": 2}


def test_rejected_rows_of_erased_students_are_removed_from_the_spool(
    postgres: Database, tmp_path: Path
) -> None:
    DatastoreManager(postgres).students.erase("s001")
    spool = Spool(tmp_path / "spool.db")
    sent = [StudentToStore(id_, accepted_at=NOON) for id_ in ("s001", "s002")]
    spool.append([STUDENT.entry(student) for student in sent])
    spool.reject((entry, "no") for entry in spool.pending(2))
    manager = DropoutDatabaseManager(postgres)
    manager.spool.attach(spool)
    manager.students.erase_deleted()
    kept = spool.all_entries()
    spool.close()

    assert [entry.id for entry in kept] == ["s002"]


def test_concurrent_inserts_and_erasure_leave_no_row(open_own_database: OpenDatabase) -> None:
    manager = DropoutDatabaseManager(open_own_database(Base.metadata))

    def work(turn: int) -> None:
        if turn == 6:
            manager.students.erase("s001")
            return
        with suppress(StudentErased):
            manager.events.add(None, "s001", "q1", "QUESTION_SUBMIT", occurred_at=NOON)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(12)))
    manager.students.erase_deleted()

    assert counts(manager) == {**dict.fromkeys(counts(manager), 0), "deletions": 1}


def test_an_event_that_waits_for_an_erasure_is_not_stored(private_url: str) -> None:
    engine = engine_on(private_url)
    manager = DropoutDatabaseManager(Database.for_bind(engine))
    late = EventToStore("s001", EventType.NAVIGATION, occurred_at=NOON)
    manager.events.add_many([late])
    tombstone = {"name": pseudonym_of("s001")}

    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as erasing:
            erasing.execute(text("INSERT INTO dropout.deletions VALUES (:name, now())"), tombstone)
            for table in ("daily_activity", "learning_events", "students"):
                erasing.execute(text(f"DELETE FROM dropout.{table}"))
            adding = pool.submit(manager.events.add_many, [late])
            wait_until(lambda: waits_for_a_lock(engine) or adding.done(), 10)
        [result] = adding.result()

    assert result.outcome is Outcome.ERASED
    assert counts(manager)["students"] == counts(manager)["learning_events"] == 0
    engine.dispose()


def test_an_erasure_waits_for_the_first_rows_of_the_student(private_url: str) -> None:
    """The first rows are committed in the middle of the erasure, unless it waits for them."""
    engine, other = engine_on(private_url), engine_on(private_url)
    manager = DropoutDatabaseManager(Database.for_bind(other))
    is_committed, is_reached = Event(), Event()

    def wait_for_commit(_: object, __: object, statement: str, *___: object) -> None:
        if statement.startswith("DELETE FROM dropout.students"):
            is_reached.set()
            is_committed.wait(10)

    listen(other, "before_cursor_execute", wait_for_commit)
    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as storing:
            first = DropoutDatabaseManager(Database.for_bind(storing, role="none"))
            first.events.add(None, "s001", None, "NAVIGATION", occurred_at=NOON)
            erasing = pool.submit(manager.students.erase, "s001")
            wait_until(lambda: waits_for_a_lock(engine) or is_reached.is_set(), 10)
        is_committed.set()
        deleted = erasing.result()

    assert (deleted["students"], deleted["learning_events"]) == (1, 1)
    assert counts(manager)["students"] == counts(manager)["learning_events"] == 0
    assert manager.students.erase("s001")["students"] == 0
    with pytest.raises(StudentErased):
        manager.students.add("s001")
    assert counts(manager)["students"] == 0
    engine.dispose()
    other.dispose()
