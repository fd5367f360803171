"""Statistics equal a recount, whatever writers, cleanups and re-evaluations do at once."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from monitoring_service.database import EventToStore, MonitoringDatabase
from monitoring_service.database.counts import Statistics
from monitoring_service.domain.findings import HealthStatus
from monitoring_service.migrations import HISTORY
from monitoring_service.models import Base, LogCount, MonitoringLog
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from tests.support.databases import OpenDatabase, engine_on

DAILY_COUNTS = """
INSERT INTO monitoring.log_counts (source, day, status, slot, count)
SELECT source, (timestamp AT TIME ZONE 'UTC')::date, status, get_byte(digest, 0) % 4, count(*)
FROM monitoring.monitoring_logs GROUP BY 1, 2, 3, 4
"""
NOTHING: dict[HealthStatus, int] = dict.fromkeys(HealthStatus, 0)


def recount(manager: MonitoringDatabase) -> Statistics:
    """Count the events themselves."""
    with manager.database.reading() as session:
        logs = session.scalars(select(MonitoringLog)).all()
    instants = [log.timestamp for log in logs]
    return Statistics(
        total_logs=len(logs),
        status_distribution=NOTHING | Counter(log.status for log in logs),
        unique_sources=len({log.source for log in logs}),
        oldest_log=min(instants, default=None),
        newest_log=max(instants, default=None),
    )


def an_event(number: int, age: timedelta, error_rate: float) -> EventToStore:
    return EventToStore(
        source=f"s{number % 3}",
        event_type="request",
        data={"error_rate": error_rate},
        timestamp=utc_now() - age,
        event_id=f"e{number}",
    )


batches = st.lists(
    st.builds(
        an_event,
        st.integers(0, 60),
        st.timedeltas(timedelta(0), timedelta(days=3)),
        st.sampled_from([0.0, 0.1, 0.5]),
    ),
    max_size=12,
)
steps = st.one_of(
    st.tuples(st.just("add"), batches),
    st.tuples(st.just("delete"), st.sampled_from([0.0, 24 * 60.0, 48 * 60.0])),
    st.tuples(st.just("limits"), st.sampled_from([0.05, 0.3, 0.9])),
    st.tuples(st.just("reevaluate"), st.just(5 * 24 * 60.0)),
)


def take(manager: MonitoringDatabase, step: tuple[str, Any]) -> None:
    name, argument = step
    match name:
        case "add":
            manager.events.add_many(argument)
        case "delete":
            manager.retention.delete_old(argument)
        case "limits":
            manager.thresholds.upsert("*", {"error_rate": (argument, argument + 0.05)}, "test")
        case "reevaluate":
            manager.retention.reevaluate(argument)


def assert_exact(manager: MonitoringDatabase) -> None:
    assert manager.get_statistics() == recount(manager)
    with manager.database.reading() as session:
        negative = session.scalar(
            select(func.count()).select_from(LogCount).where(LogCount.count < 0)
        )
    assert negative == 0


# The examples go on in one database: each begins with what those before have left.
@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=st.lists(steps, max_size=8))
def test_statistics_equal_a_recount_after_any_history(
    open_pooled_database: OpenDatabase, history: list[tuple[str, Any]]
) -> None:
    manager = MonitoringDatabase(open_pooled_database(Base.metadata))
    for step in history:
        take(manager, step)
        assert_exact(manager)


def test_statistics_equal_a_recount_after_concurrent_work(
    open_pooled_database: OpenDatabase,
) -> None:
    manager = MonitoringDatabase(open_pooled_database(Base.metadata))

    def write(first: int) -> None:
        # Overlapping ids, in both directions, so that writers meet.
        numbers = range(first, first + 30)
        events = [an_event(n, timedelta(hours=n), 0.5 if n % 5 == 0 else 0) for n in numbers]
        manager.events.add_many(events if first % 2 else events[::-1])
        for number in range(3):
            manager.add_log("s1", "request", event_id=f"single-{first}-{number}")

    work: list[Callable[[], object]] = [
        *[partial(write, first) for first in range(0, 60, 5)],
        *[lambda: manager.retention.delete_old(36 * 60) for _ in range(4)],
        *[lambda: manager.thresholds.upsert("s0", {"error_rate": (0.6, 0.9)}, "test")],
        *[lambda: manager.retention.reevaluate(5 * 24 * 60) for _ in range(3)],
    ]
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(task) for task in work]:
            done.result()

    assert manager.get_statistics()["total_logs"] >= 36
    assert_exact(manager)


def test_a_statistic_is_of_one_instant(open_pooled_database: OpenDatabase) -> None:
    manager = MonitoringDatabase(open_pooled_database(Base.metadata))

    def write(number: int) -> None:
        manager.events.add_many([an_event(number * 10 + n, timedelta(0), 0) for n in range(10)])

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write, number) for number in range(12)]
        seen = [manager.get_statistics() for _ in range(12)]
        for writer in writers:
            writer.result()

    assert all(s["total_logs"] % 10 == 0 for s in seen)
    assert all((s["total_logs"] == 0) is (s["newest_log"] is None) for s in seen)


def test_nothing_stored_is_no_error(open_pooled_database: OpenDatabase) -> None:
    manager = MonitoringDatabase(open_pooled_database(Base.metadata))

    assert manager.get_statistics() == Statistics(
        total_logs=0,
        status_distribution=NOTHING,
        unique_sources=0,
        oldest_log=None,
        newest_log=None,
    )


def test_counts_of_months_that_are_gone_are_not_kept(open_pooled_database: OpenDatabase) -> None:
    manager = MonitoringDatabase(open_pooled_database(Base.metadata))
    # The deleted ones are more than a month older than the limit, so that none shares its month.
    manager.events.add_many([an_event(n, timedelta(days=70 * n), 0) for n in range(6)])

    assert manager.retention.delete_old(175 * 24 * 60) == 3

    with manager.database.reading() as session:
        counts = session.scalars(select(LogCount)).all()
    assert sorted(count.count for count in counts) == [1, 1, 1]


def test_clearing_stops_at_its_bound_and_goes_on(open_pooled_database: OpenDatabase) -> None:
    manager = MonitoringDatabase(open_pooled_database(Base.metadata))
    base: datetime = utc_now() - timedelta(days=1)
    manager.events.add_many(
        [
            EventToStore("s", "request", timestamp=base + timedelta(seconds=n), event_id=f"e{n}")
            for n in range(5)
        ]
    )

    assert manager.retention.delete_old(60, most=3) == 3
    left, _ = manager.get_logs()
    assert [log.id for log in left] == ["e4", "e3"]
    assert manager.retention.delete_old(60, most=3) == 2
    assert_exact(manager)


def test_daily_counts_of_an_earlier_release_are_added_up(private_url: str) -> None:
    engine = engine_on(private_url)
    manager = MonitoringDatabase(Database.for_bind(engine))
    manager.events.add_many([an_event(n, timedelta(days=n), 0) for n in range(40)])
    HISTORY.downgrade(engine, "20261129_words")
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM monitoring.log_counts"))
        connection.execute(text(DAILY_COUNTS))

    HISTORY.upgrade(engine)

    assert_exact(manager)
    assert manager.retention.delete_old(0) == 40
    assert_exact(manager)
