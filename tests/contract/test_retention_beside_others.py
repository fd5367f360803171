"""Deletion by age beside writers, holds and another process, on PostgreSQL."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest
from starlette.testclient import TestClient

from dropout_service.database import DropoutDatabaseManager, EventToStore
from dropout_service.domain.enums import EventType
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.pseudonyms import pseudonym_of
from shared_db.retention import repository
from shared_db.retention.erasure_log import ErasureLog
from shared_db.retention.turn import turn
from shared_db.settings import Environment
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.datastore.student_locks import lock_students
from tests.contract.test_rollup import rebuilt, rollup
from tests.support.databases import engine_on
from tests.support.services import PARTS

OLD = utc_now().replace(hour=12) - timedelta(days=60)
LIMITS = {"marks": 30, "drafts": 30, "events": 30}


@pytest.mark.parametrize("is_pooled", [False, True])
def test_another_process_skips_its_run(
    private_url: str, pooled: Callable[[str], str], *, is_pooled: bool
) -> None:
    url = pooled(private_url) if is_pooled else private_url
    here, there = (Database.for_bind(engine_on(url)) for _ in range(2))
    datastore = DatastoreManager(there)
    datastore.add_student("s001", "Ada")
    datastore.add_draft("s001", "essay", "Text", timestamp=OLD)

    with turn(here, "retention of staffstuddash") as is_first:
        skipped = datastore.retention.run(LIMITS)
        other = DropoutDatabaseManager(there).retention.run(LIMITS)

    assert is_first
    assert (skipped.is_skipped, skipped.rows) == (True, 0)
    assert not other.is_skipped  # the services do not wait for each other
    assert datastore.retention.run(LIMITS).rows == 1


def test_a_locked_student_is_left_for_the_next_run(private_url: str) -> None:
    datastore = DatastoreManager(Database.for_bind(engine_on(private_url)))
    for id_ in ("s001", "s002"):
        datastore.add_student(id_, "Ada")
        for _ in range(3):
            datastore.add_draft(id_, "essay", "Text", timestamp=OLD)
    is_locked, may_end = Event(), Event()

    def hold_a_lock() -> None:
        with datastore.database.unit_of_work() as session:
            lock_students(session, ["s001"])
            is_locked.set()
            may_end.wait(60)

    with ThreadPoolExecutor() as pool, pytest.MonkeyPatch.context() as patch:
        patch.setattr(repository, "_ATTEMPTS", 1)
        patch.setattr("shared_db.retention.batches.ROWS_AT_ONCE", 3)  # each student alone
        blocker = pool.submit(hold_a_lock)
        is_locked.wait(60)
        report = datastore.retention.run(LIMITS)
        may_end.set()
        blocker.result()

    assert (report.busy, report.deleted["drafts"]) == (1, 3)
    assert datastore.retention.run(LIMITS).deleted["drafts"] == 3


def test_the_rollup_stays_right_beside_writers(
    private_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "ROWS_AT_ONCE", 20)
    manager = DropoutDatabaseManager(Database.for_bind(engine_on(private_url)))
    students = [f"s{number}" for number in range(6)]

    def events(round_: int) -> list[EventToStore]:
        return [
            EventToStore(
                student,
                EventType.QUESTION_SUBMIT,
                question_id=f"q{number % 5}",
                course="math",
                data={"correct": number % 2 == 0, "answer": number},
                occurred_at=OLD + timedelta(days=8 * (number % 8), seconds=round_),
            )
            for student in students
            for number in range(16)
        ]

    manager.events.add_many(events(0))
    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(manager.events.add_many, events(n)) for n in range(1, 9)]
        runs = [pool.submit(manager.retention.run, LIMITS) for _ in range(6)]
        for writer in writers:
            writer.result()
        for run in runs:
            run.result()
    report = manager.retention.run(LIMITS)

    assert report.is_complete
    assert all(one.due == 0 for one in manager.retention.account(LIMITS))
    for student in students:
        kept = rollup(manager, student)
        assert len(kept) == 4
        assert kept == rebuilt(manager, student)


def test_a_service_deletes_by_age_and_logs_its_erasures(
    private_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ERASURE_LOG", str(tmp_path / "erasures.log"))
    monkeypatch.setenv("RETENTION_DRAFTS_DAYS", "30")
    monkeypatch.setenv("RETENTION_SECONDS", "3600")
    parts = PARTS["staffstuddash"]
    datastore = DatastoreManager(Database.for_bind(engine_on(private_url)))
    datastore.add_student("s001", "Ada")
    datastore.add_draft("s001", "essay", "Text", timestamp=OLD)
    app = parts.create_app(datastore, parts.settings(environment=Environment.DEVELOPMENT))

    with TestClient(app, "http://127.0.0.1", client=("127.0.0.1", 50000)) as client:
        check: dict[str, object] = {}
        while not check.get("time"):
            [check] = client.get("/health").json()["checks"]["background:retention"]
        assert (check["status"], check["rows"]) == ("pass", 1)
        assert client.delete("/api/v1/students/s001").status_code == 200

    assert set(ErasureLog(tmp_path / "erasures.log").read()) == {pseudonym_of("s001")}
    assert datastore.tombstones.record() == 0
