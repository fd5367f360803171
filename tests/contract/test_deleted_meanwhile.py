"""Rows that are cleared while somebody sends them again: stored anew, never called different."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from monitoring_service.database import EventToStore, MonitoringDatabase
from shared_db.connection.database import Database
from shared_db.errors import DatabaseBusy
from shared_db.writes.idempotent_insert import Outcome
from tests.e2e.processes import wait_until
from tests.support.databases import engine_on, waits_for_a_lock
from tests.support.factories import NOON

Do = Callable[[], object]


@pytest.fixture
def engine(private_url: str) -> Iterator[Engine]:
    engine = engine_on(private_url)
    yield engine
    engine.dispose()


@pytest.fixture
def monitoring(engine: Engine) -> MonitoringDatabase:
    """Give a manager that knows e0 to e5."""
    monitoring = MonitoringDatabase(Database.on(engine))
    monitoring.add_logs(events())
    return monitoring


@pytest.fixture
def cleaner(private_url: str) -> MonitoringDatabase:
    """Give the same as another process has it, which clears."""
    return MonitoringDatabase(Database.on(engine_on(private_url)))


def events(count: int = 6) -> list[EventToStore]:
    return [
        EventToStore("web", "request", timestamp=NOON, event_id=f"e{number}")
        for number in range(count)
    ]


@contextmanager
def before_each(engine: Engine, columns: str, do: Do) -> Iterator[None]:
    """Do something on another connection before each statement that selects these columns."""

    def before(_c: object, _cursor: object, statement: str, *_: Any) -> None:
        if statement.startswith(f"SELECT {columns}"):
            do()

    event.listen(engine, "before_cursor_execute", before)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", before)


def once(do: Do) -> Do:
    """Return what does it the first time, in a thread whose connections are its own."""
    left = [do]

    def do_once() -> None:
        if left:
            with ThreadPoolExecutor(1) as other:
                other.submit(left.pop()).result()

    return do_once


LOOK = "monitoring.monitoring_logs.id, monitoring.monitoring_logs.digest \n"
READ = "monitoring.monitoring_logs.id, monitoring.monitoring_logs.source"


@pytest.mark.parametrize("count", [2, 6], ids=["inserted", "copied"])
def test_what_is_cleared_before_it_is_looked_at_is_stored_again(
    engine: Engine, monitoring: MonitoringDatabase, cleaner: MonitoringDatabase, count: int
) -> None:
    with before_each(engine, LOOK, once(lambda: cleaner.clear_old_logs(0))):
        _, outcomes = monitoring.add_logs(events(count))

    logs, total = monitoring.get_logs()
    assert outcomes == [Outcome.STORED] * count
    assert (len(logs), total) == (count, count)


def test_a_single_one_is_stored_again(
    engine: Engine, monitoring: MonitoringDatabase, cleaner: MonitoringDatabase
) -> None:
    with before_each(engine, LOOK, once(lambda: cleaner.clear_old_logs(0))):
        log = monitoring.add_log("web", "request", timestamp=NOON, event_id="e0")

    assert (log.id, log.is_replay) == ("e0", False)
    assert monitoring.get_logs()[1] == 1


def test_what_is_cleared_after_it_was_looked_at_was_a_repeat(
    engine: Engine, monitoring: MonitoringDatabase, cleaner: MonitoringDatabase
) -> None:
    with before_each(engine, READ, once(lambda: cleaner.clear_old_logs(0))):
        log = monitoring.add_log("web", "request", timestamp=NOON, event_id="e0")

    assert (log.id, log.is_replay) == ("e0", True)
    assert monitoring.get_logs()[1] == 0


def test_what_is_stored_again_never_waits_in_a_ring(
    engine: Engine, monitoring: MonitoringDatabase, cleaner: MonitoringDatabase
) -> None:
    named = [*events(1), EventToStore("web", "request", timestamp=NOON, event_id="e9")]
    with ThreadPoolExecutor(1) as pool:
        others: list[Future[tuple[list[str], list[Outcome]]]] = []

        def clear_and_store() -> None:
            # The other has the first of the ids again and waits for the second, which is new here.
            cleaner.clear_old_logs(0)
            others.append(pool.submit(cleaner.add_logs, named))
            assert wait_until(lambda: waits_for_a_lock(engine))

        with before_each(engine, LOOK, once(clear_and_store)):
            _, outcomes = monitoring.add_logs(named)

        both = [outcomes, others[0].result()[1]]
    assert sorted(both) == [[Outcome.REPEATED] * 2, [Outcome.STORED] * 2]
    assert monitoring.get_logs()[1] == 2


def test_who_stores_and_clears_all_the_time_lets_others_try_again(
    engine: Engine, monitoring: MonitoringDatabase, cleaner: MonitoringDatabase
) -> None:
    def on(_c: object, _cursor: object, statement: str, *_: Any) -> None:
        if statement.startswith(f"SELECT {LOOK}"):
            cleaner.clear_old_logs(0)
        elif statement.startswith("INSERT INTO monitoring.monitoring_logs"):
            cleaner.add_logs(events(1))

    event.listen(engine, "before_cursor_execute", on)
    with pytest.raises(DatabaseBusy):
        monitoring.add_logs(events(1))
    event.remove(engine, "before_cursor_execute", on)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM monitoring.monitoring_logs")) == 0
