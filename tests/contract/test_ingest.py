"""Events that come at the same time share a transaction, and each is answered by itself."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from dropout_service.database import DropoutDatabaseManager, EventToStore
from dropout_service.domain.enums import EventType
from dropout_service.errors import EventExists as LearningEventExists
from dropout_service.models import Base as DropoutBase
from dropout_service.models import DailyActivity
from monitoring_service.database import EventToStore as SystemEvent
from monitoring_service.database import MonitoringDatabase
from monitoring_service.domain.findings import HealthStatus
from monitoring_service.errors import EventExists
from monitoring_service.models import Base as MonitoringBase
from monitoring_service.models import MonitoringLog
from shared_db.connection.database import Database
from shared_db.results import Outcome
from shared_db.writes.copy_from import COPY_MIN_ROWS
from tests.support.databases import OpenDatabase, engine_on
from tests.support.factories import NOON

MANY = 18 * COPY_MIN_ROWS
AWKWARD = "tab\tline\nreturn\r\\ \\N \\. \x7f\x1b 'quoted' \"twice\" {a,b} Ω 🦉"


def a_system_event(id_: str, **changes: object) -> SystemEvent:
    values = {"source": "catalogue", "event_type": "request", "timestamp": NOON, **changes}
    return SystemEvent(event_id=id_, **values)  # type: ignore[arg-type]


def a_learning_event(id_: str, student_id: str = "s1", **changes: object) -> EventToStore:
    values = {"event_type": EventType.NAVIGATION, "occurred_at": NOON, **changes}
    return EventToStore(student_id=student_id, id=id_, **values)  # type: ignore[arg-type]


def logged_together(
    manager: MonitoringDatabase, events: Sequence[SystemEvent]
) -> list[MonitoringLog | BaseException]:
    async def log_all() -> list[MonitoringLog | BaseException]:
        tasks = (manager.events.add_async(event) for event in events)
        return await asyncio.gather(*tasks, return_exceptions=True)

    return asyncio.run(log_all())


def test_system_events_that_come_together_are_each_judged_and_answered(
    open_pooled_database: OpenDatabase,
) -> None:
    manager = MonitoringDatabase(open_pooled_database(MonitoringBase.metadata))
    manager.add_log("catalogue", "request", timestamp=NOON, event_id="known")
    slow = {"response_time": 5000}
    events = [a_system_event(f"e{n}", data=slow if n % 2 else {}) for n in range(MANY)]
    again, other = a_system_event("e0", data={}), a_system_event("e1", data={"other": 1})

    *logs, repeat, refusal, known = logged_together(
        manager, [*events, again, other, a_system_event("known")]
    )

    assert [log.id for log in logs if isinstance(log, MonitoringLog)] == [
        e.event_id for e in events
    ]
    assert isinstance(logs[1], MonitoringLog)
    assert logs[1].result is not None
    assert logs[1].result.failed_rules == ["response_time_threshold"]
    assert isinstance(repeat, MonitoringLog)
    assert isinstance(known, MonitoringLog)
    assert (repeat.is_replay, known.is_replay, repeat.result) == (True, True, None)
    assert isinstance(refusal, EventExists)
    found = manager.get_statistics()
    assert (found["total_logs"], found["status_distribution"][HealthStatus.CRITICAL]) == (
        MANY + 1,
        MANY // 2,
    )
    assert manager.logs.get("e1").result is not None


def test_concurrent_learning_events_count_once_each(
    open_pooled_database: OpenDatabase,
) -> None:
    manager = DropoutDatabaseManager(open_pooled_database(DropoutBase.metadata))
    manager.students.erase("gone")
    events = [a_learning_event(f"e{n}", f"s{n % 3}") for n in range(MANY)]
    odd = [
        a_learning_event("e0", "s0"),
        a_learning_event("e1", "s1", course="other"),
        a_learning_event("late", "gone"),
    ]

    async def send_all() -> list[object]:
        tasks = (manager.events.add_async(event) for event in [*events, *odd])
        return await asyncio.gather(*tasks, return_exceptions=True)

    answers = Counter(type(answer).__name__ for answer in asyncio.run(send_all()))

    assert answers == {
        "LearningEvent": MANY + 1,
        LearningEventExists.__name__: 1,
        "StudentErased": 1,
    }
    stored = [len(manager.events.search(f"s{n}").items) for n in range(3)]
    assert stored == [MANY // 3] * 3
    with manager.database.reading() as session:
        assert session.scalar(select(func.sum(DailyActivity.events))) == MANY


def test_two_writers_store_what_both_were_sent_once(private_url: str) -> None:
    managers = [MonitoringDatabase(Database.for_bind(engine_on(private_url))) for _ in range(2)]
    ids = [f"e{n % 100}" for n in range(400)]

    with ThreadPoolExecutor(40) as pool:
        sent = zip(ids, managers * 200, strict=True)
        logs = list(pool.map(lambda p: p[1].add_log("a", "b", event_id=p[0], timestamp=NOON), sent))

    assert [log.id for log in logs] == ids
    assert Counter(log.is_replay for log in logs) == {False: 100, True: 300}
    assert managers[0].get_statistics()["total_logs"] == 100


def test_a_row_that_the_database_refuses_harms_no_other(private_url: str) -> None:
    manager = MonitoringDatabase(Database.for_bind(engine_on(private_url)))
    too_long = a_system_event("bad", source="s" * 201)
    events = [*(a_system_event(f"e{n}") for n in range(MANY)), too_long]

    *logs, refusal = logged_together(manager, events)

    assert all(isinstance(log, MonitoringLog) for log in logs)
    assert isinstance(refusal, DBAPIError)
    assert manager.get_statistics()["total_logs"] == MANY


def test_overlapping_large_batches_store_each_event_once(
    open_pooled_database: OpenDatabase,
) -> None:
    manager = DropoutDatabaseManager(open_pooled_database(DropoutBase.metadata))

    def send(first: int) -> list[Outcome]:
        numbers = range(first, first + MANY)
        events = [a_learning_event(f"e{n}", f"s{n % 3}", data={"n": n}) for n in numbers]
        return [result.outcome for result in manager.events.add_many(events)]

    with ThreadPoolExecutor(4) as pool:
        outcomes = [o for batch in pool.map(send, range(0, MANY, MANY // 6)) for o in batch]

    stored = sum(len(manager.events.search(f"s{n}", limit=1000).items) for n in range(3))
    assert outcomes.count(Outcome.STORED) == stored == MANY + 5 * MANY // 6
    assert Outcome.CONFLICT not in outcomes


def test_a_large_batch_tells_the_known_and_the_changed(open_pooled_database: OpenDatabase) -> None:
    manager = MonitoringDatabase(open_pooled_database(MonitoringBase.metadata))
    manager.events.add_many([a_system_event("e0"), a_system_event("e1", message="before")])

    outcomes = [
        result.outcome
        for result in manager.events.add_many(
            [a_system_event(f"e{n % MANY}") for n in range(MANY + 1)]
        )
    ]

    assert outcomes[:2] == [Outcome.REPEATED, Outcome.CONFLICT]
    assert set(outcomes[2:MANY]) == {Outcome.STORED}
    assert outcomes[MANY] is Outcome.REPEATED


@pytest.mark.parametrize("count", [1, MANY])
def test_awkward_values_come_back_as_they_were(monitoring: MonitoringDatabase, count: int) -> None:
    data = {AWKWARD: [AWKWARD, None, True, 1.5e-300, -(2**62), {"": ""}], "error_rate": 0.5}
    event = {"message": AWKWARD, "data": data, "metadata": {}, "component": None}
    manager = monitoring

    manager.events.add_many([a_system_event(f"e{n}", **event) for n in range(count)])

    log = manager.logs.get("e0")
    assert (log.message, log.data, log.context, log.component) == (AWKWARD, data, {}, None)
    assert (log.timestamp, log.severity) == (NOON, 1.0)
    assert log.result is not None
    assert log.result.detected_issues[0].startswith("error_rate is 0.5")
