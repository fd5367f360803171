"""Incidents with several processes at once, and with processes that end, on PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from monitoring_service.database import EventToStore, MonitoringDatabase
from monitoring_service.database.incidents import work
from monitoring_service.database.incidents.grouping import group_batch
from monitoring_service.models import Base
from shared_db.errors import ServiceError
from shared_db.retention.turn import turn
from tests.support.databases import become_owner, engine_on, service_database
from tests.support.factories import NOON

SOURCES = 4
EVENTS = 40


@pytest.fixture
def managers(private_url: str) -> list[MonitoringDatabase]:
    """Give the managers of two processes."""
    return [
        MonitoringDatabase(service_database(engine_on(private_url), Base.metadata))
        for _ in range(2)
    ]


def send(manager: MonitoringDatabase, first: int = 0) -> None:
    manager.events.add_many(
        [
            EventToStore(
                f"s{n % SOURCES}",
                "job",
                data={"level": "FATAL"},
                timestamp=NOON + timedelta(seconds=n),
            )
            for n in range(first, first + EVENTS)
        ]
    )


def counted(manager: MonitoringDatabase) -> dict[str, int]:
    return {one.source: one.event_count for one in manager.incidents.search()}


def all_of(number: int) -> dict[str, int]:
    return {f"s{n}": number // SOURCES for n in range(SOURCES)}


def test_of_two_processes_one_has_its_turn(managers: list[MonitoringDatabase]) -> None:
    first, second = managers
    send(first)
    with turn(second.database, "incidents of monitoring"):
        skipped = first.incident_work.run(NOON)

    assert skipped == 0
    assert first.incident_work.run(NOON) == EVENTS
    assert counted(second) == all_of(EVENTS)


def test_two_that_work_at_once_and_writers_beside_them_lose_and_repeat_nothing(
    managers: list[MonitoringDatabase],
) -> None:
    send(managers[0])
    managers[0].incident_work.run(NOON)

    def work_on(manager: MonitoringDatabase) -> int:
        # Without the turn, as if its connection had been lost.
        done = 0
        while taken := _batch(manager):
            done += taken
        return done

    for round_ in range(1, 4):
        with ThreadPoolExecutor(3) as pool:
            writer = pool.submit(send, managers[0], round_ * EVENTS)
            workers = [pool.submit(work_on, manager) for manager in managers]
            writer.result()
            done = sum(worker.result() for worker in workers)
        done += work_on(managers[0])
        assert done == EVENTS
    assert counted(managers[1]) == all_of(4 * EVENTS)


def _batch(manager: MonitoringDatabase) -> int:
    return manager.incident_work.write(partial(group_batch, now=NOON, limit=7))


def test_a_process_that_loses_its_connection_within_a_batch_repeats_it(
    managers: list[MonitoringDatabase], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = managers
    send(first)
    monkeypatch.setattr(work, "EVENTS_AT_ONCE", 15)
    batches: list[int] = []

    def ended(session: Session, *, now: datetime, limit: int) -> int:
        taken = group_batch(session, now=now, limit=limit)
        batches.append(taken)
        if len(batches) == 2:
            become_owner(session)
            session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return taken

    with monkeypatch.context() as patch:
        patch.setattr(work, "group_batch", ended)
        with pytest.raises(ServiceError):
            first.incident_work.run(NOON)

    assert batches == [15, 15]
    assert sum(counted(second).values()) == 15
    assert second.incident_work.run(NOON) == EVENTS - 15
    assert counted(second) == all_of(EVENTS)
