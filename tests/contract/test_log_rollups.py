"""Series from rollups equal those from the events, whatever was inserted and deleted meanwhile."""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select, text

from monitoring_service.database import EventToStore, MonitoringDatabase
from monitoring_service.database.log_archives import COLUMNS
from monitoring_service.database.rollups import making
from monitoring_service.database.rollups.series import Asked, rolled_points
from monitoring_service.database.timeseries import GroupBy, Series
from monitoring_service.domain.findings import HealthStatus
from monitoring_service.models import (
    Base,
    LogRollup,
    LogRollupMark,
    LogRollupPeriod,
    MonitoringLog,
)
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.queries.dialects import Operator
from shared_db.queries.filters import Filter
from tests.support.databases import engine_on, role_of
from tests.support.rolled_series import DAY, HOUR, a_series, an_event, assert_equal, midnight
from tests.support.server import admin_url, create_database, drop_database, new_name

NUMBERS = [0, -0.5, 3, 7.25, 410, 4_100, -88.8, 1e-200, 8e307, 1.7e308, 2**60, 1e-310]
TABLES = (
    "monitoring_logs monitoring_results event_keys log_counts log_rollups log_rollup_periods"
    " log_rollup_marks"
)


@pytest.fixture(scope="module")
def engine(template_name: str) -> Iterator[Engine]:
    name = new_name()
    engine = engine_on(create_database(admin_url(), name, template=template_name))
    yield engine
    engine.dispose()
    drop_database(admin_url(), name)


@pytest.fixture
def manager(engine: Engine) -> MonitoringDatabase:
    """Give a manager with the rights of the service and without events."""
    with engine.begin() as connection:
        tables = ", ".join(f"monitoring.{name}" for name in TABLES.split())
        connection.execute(text(f"TRUNCATE {tables}"))
    return MonitoringDatabase(Database.for_bind(engine, role=role_of(Base.metadata)))


def rows(manager: MonitoringDatabase, table: type[Base]) -> int:
    query = select(func.count()).select_from(table)
    return manager.timeseries.read(lambda session: session.scalar(query)) or 0


@st.composite
def compared(draw: Callable[[Any], Any]) -> tuple[str, Any]:
    return "compare", a_series(draw)


@st.composite
def events(draw: Callable[[Any], Any]) -> tuple[str, Any]:
    def event() -> EventToStore:
        at = midnight(4) + draw(st.timedeltas(timedelta(0), 4 * DAY))
        names = draw(st.sets(st.sampled_from(["x", "y", "z", "not asked for"])))
        data = {name: draw(st.sampled_from(NUMBERS)) for name in sorted(names)}
        return an_event(f"s{draw(st.integers(0, 2))}", min(at, utc_now()), **data)

    return "add", [event() for _ in range(draw(st.integers(1, 15)))]


steps = st.one_of(
    events(),
    events(),
    compared(),
    st.tuples(st.just("make"), st.none()),
    st.tuples(st.just("delete"), st.integers(1, 4 * 24 * 60)),
    st.tuples(st.just("reevaluate"), st.none()),
)


def take(manager: MonitoringDatabase, step: tuple[str, Any]) -> None:
    name, argument = step
    match name:
        case "add":
            manager.events.add_many(argument)
        case "compare":
            assert_equal(manager, argument)
        case "make":
            manager.rollups.run()
        case "delete":
            manager.retention.delete_old(argument)
        case "reevaluate":
            manager.retention.reevaluate(5 * 24 * 60)


# The examples go on in one database: each begins with what those before have left.
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=st.lists(steps, min_size=4, max_size=10), last=compared())
def test_series_are_equal_after_any_history(
    manager: MonitoringDatabase, history: list[tuple[str, Any]], last: tuple[str, Any]
) -> None:
    # On each day, so that the work has whole days, and also after the deletion of older ones.
    manager.events.add_many([an_event("s0", midnight(days), x=days) for days in range(5)])
    for step in [*history, ("make", None), last]:
        take(manager, step)
    assert rows(manager, LogRollupMark) == 0
    whole = Series(midnight(4), utc_now(), 86_400)
    assert assert_equal(manager, whole) is (rows(manager, LogRollupPeriod) > 0)


def test_percentiles_of_many_numbers_are_within_one_percent(manager: MonitoringDatabase) -> None:
    chooser = random.Random(7)
    manager.events.add_many(
        [
            an_event(f"s{n % 3}", midnight(3) + 3 * DAY * n / 4_000, x=chooser.lognormvariate(4, 2))
            for n in range(4_000)
        ]
    )
    manager.rollups.run()

    for bucket in (3_600, 21_600, 86_400):
        for group in (None, GroupBy.SOURCE):
            series = Series(midnight(3) + HOUR / 2, utc_now(), bucket, group, ("x",))
            assert assert_equal(manager, series)


def test_every_state_is_right_while_writers_and_the_work_run(manager: MonitoringDatabase) -> None:
    asked = Asked(midnight(3), midnight(0), 86_400, None, False, "x", percentiles=True)
    numbers = MonitoringLog.data["x"].as_float()
    counted = select(func.count(), func.sum(numbers)).where(MonitoringLog.timestamp < midnight(0))
    manager.events.add_many([an_event("s0", midnight(days), x=1) for days in (3, 2, 1)])
    manager.rollups.run()
    seen = []

    def write(number: int) -> None:
        at = midnight(3) + timedelta(minutes=7 * number)
        manager.events.add_many([an_event("s1", at + n * 5 * HOUR, x=number) for n in range(12)])
        manager.events.add(an_event("s2", at, x=2))

    def look() -> None:
        for _ in range(12):
            with manager.database.snapshot() as session:
                points = rolled_points(session, asked, 100)
                count, total = session.execute(counted).one()
            if points is not None:
                assert sum(point["events"] for point in points) == count
                assert sum(point["mean"] * point["measured"] for point in points) == (
                    pytest.approx(total)
                )
                seen.append(count)

    work: list[Callable[[], object]] = [
        *[partial(write, number) for number in range(30)],
        *[look, look],
        *[manager.rollups.run for _ in range(8)],
        *[lambda: manager.retention.delete_old(60 * 60) for _ in range(2)],
    ]
    random.Random(3).shuffle(work)
    with ThreadPoolExecutor(5) as pool:
        for done in [pool.submit(task) for task in work]:
            done.result()
    manager.rollups.run()

    assert len(set(seen)) > 1
    assert rows(manager, LogRollupMark) == 0
    assert assert_equal(manager, Series(midnight(4), utc_now(), 86_400, metric=("x",)))


def test_an_hour_waits_for_transactions_that_were_writing_at_its_end(
    engine: Engine, manager: MonitoringDatabase
) -> None:
    at = utc_now() - 3 * HOUR
    manager.events.add_many([an_event("web", at - HOUR)])
    day = Series(at - DAY, utc_now(), 3_600)
    with engine.connect() as writer:
        # As an event whose hour was not over yet when it was inserted: a key, and no mark.
        insert = text(
            "INSERT INTO monitoring.monitoring_logs"
            " SELECT 'late', source, component, event_type, message, data, metadata, :at,"
            " created_at, status, severity FROM monitoring.monitoring_logs LIMIT 1"
        )
        writer.execute(text("LOCK TABLE monitoring.event_keys IN ROW EXCLUSIVE MODE"))
        writer.execute(insert, {"at": at})
        assert manager.rollups.run() == manager.rollups.run() == 0
        assert not assert_equal(manager, day)
        writer.commit()

    assert manager.rollups.run() > 0
    assert assert_equal(manager, day)


def test_rare_metrics_are_read_from_the_events(
    manager: MonitoringDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "MOST_METRICS", 2)
    monkeypatch.setattr(making, "MOST_METRICS_OF_ALL", 3)
    names = ["a", "a", "a", "b", "b", "c", "d"]
    manager.events.add_many([an_event("web", midnight(1) + HOUR, **{n: 1}) for n in names])
    manager.events.add_many([an_event("mail", midnight(2), **{n: 2}) for n in "cd"])
    manager.rollups.run()

    def used(metric: str | None, group: GroupBy | None = None, sources: str = "") -> bool:
        filters = (Filter("source", Operator.IN, sources.split()),) if sources else ()
        path = (metric,) if metric else None
        end = midnight(1) + 2 * HOUR
        series = Series(midnight(1) + HOUR, end, 3_600, group, path, True, filters)
        whole_day = Series(midnight(1), midnight(0), 86_400, group, path, True, filters)
        assert_equal(manager, whole_day)
        return assert_equal(manager, series)

    assert used(None)
    assert [used(name) for name in "abcd"] == [True, True, True, False]
    assert [used(name, GroupBy.SOURCE) for name in "abcd"] == [True, True, False, False]
    assert [used("c", sources=source) for source in ("web", "mail", "mail web")] == [
        False,
        True,
        False,
    ]


def test_rollups_leave_with_their_events(manager: MonitoringDatabase) -> None:
    days = (70, 40, 36, 3)
    for day in days:
        manager.months.prepare(midnight(day).date())
    manager.events.add_many([an_event("web", midnight(day) + 5 * HOUR, x=day) for day in days])
    manager.rollups.run()
    oldest = select(func.min(LogRollupPeriod.start))

    report = manager.retention.run({"monitoring": 38})

    def first_period() -> datetime | None:
        return manager.timeseries.read(lambda session: session.scalar(oldest))

    assert report.deleted["monitoring_logs"] == 2
    assert first_period() == midnight(38)
    # Two events, of 1, 6 and 24 hours; each as an event and as x, of the source and of all.
    assert rows(manager, LogRollup) == 2 * 3 * 2 * 2
    assert assert_equal(manager, Series(midnight(89), utc_now(), 86_400, metric=("x",)))
    archived = dict.fromkeys(COLUMNS) | {
        "id": "archived",
        "source": "web",
        "event_type": "request",
        "data": {"x": 9},
        "timestamp": midnight(3) + 6 * HOUR,
        "created_at": utc_now(),
        "status": HealthStatus.NORMAL,
        "severity": 0.0,
    }
    assert manager.archives.bring_back([archived]) == 1
    # Beside that of the day that lost its event.
    assert rows(manager, LogRollupMark) == 2
    assert assert_equal(manager, Series(midnight(89), utc_now(), 86_400, metric=("x",)))
    assert manager.retention.delete_old(0) == 3
    assert assert_equal(manager, Series(midnight(89), utc_now(), 86_400, metric=("x",))) is True
    manager.rollups.run()
    # Hours of today that are over have no events.
    assert first_period() in {None, midnight(0)}
    assert rows(manager, LogRollup) == rows(manager, LogRollupMark) == 0


def test_an_hour_that_cannot_be_made_holds_up_no_other(
    engine: Engine, manager: MonitoringDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager.events.add_many([an_event("web", midnight(days)) for days in (2, 1)])
    manager.rollups.run()
    manager.events.add_many([an_event("web", midnight(days)) for days in (2, 1)])
    lock = text("SELECT FROM monitoring.log_rollup_periods WHERE start = :at FOR UPDATE")
    days = Series(midnight(2), midnight(0), 3_600)
    with engine.begin() as other:
        other.execute(lock, {"at": midnight(1)})
        assert manager.rollups.run() == 1
        assert rows(manager, LogRollupMark) == 1
        assert assert_equal(manager, days)
        with monkeypatch.context() as patch:
            patch.setattr("monitoring_service.database.rollups.series.MOST_GAPS", 0)
            assert not assert_equal(manager, days)

    assert manager.rollups.run() == 1
    assert assert_equal(manager, days)
