"""Rows deleted while they are sent again: stored anew, never reported as a conflict."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from monitoring_service.database import EventToStore, MonitoringDatabase
from shared_db.connection.database import Database
from shared_db.errors import DatabaseBusy
from shared_db.results import InsertResult, Outcome
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
    """Give a manager; e0 to e5 are stored."""
    monitoring = MonitoringDatabase(Database.for_bind(engine))
    monitoring.events.add_many(events())
    return monitoring


@pytest.fixture
def cleaner(private_url: str) -> MonitoringDatabase:
    """Give a manager of another process, which deletes."""
    return MonitoringDatabase(Database.for_bind(engine_on(private_url)))


def events(count: int = 6) -> list[EventToStore]:
    return [
        EventToStore("web", "request", timestamp=NOON, event_id=f"e{number}")
        for number in range(count)
    ]


@contextmanager
def before_each(engine: Engine, columns: str, do: Do) -> Iterator[None]:
    """Call `do` before each statement that selects these columns."""

    def before(_c: object, _cursor: object, statement: str, *_: Any) -> None:
        if statement.startswith(f"SELECT {columns}"):
            do()

    event.listen(engine, "before_cursor_execute", before)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", before)


def once(do: Do) -> Do:
    """Return a function that calls `do` the first time, in a thread with its own connections."""
    left = [do]

    def do_once() -> None:
        if left:
            with ThreadPoolExecutor(1) as other:
                other.submit(left.pop()).result()

    return do_once


LOOK = "monitoring.event_keys.id, monitoring.event_keys.digest \n"
READ = "monitoring.monitoring_logs.id, monitoring.monitoring_logs.source"


@pytest.mark.parametrize("count", [2, 6], ids=["inserted", "copied"])
def test_rows_deleted_before_they_are_read_are_stored_again(
    engine: Engine, monitoring: MonitoringDatabase, cleaner: MonitoringDatabase, count: int
) -> None:
    with before_each(engine, LOOK, once(lambda: cleaner.retention.delete_old(0))):
        outcomes = [result.outcome for result in monitoring.events.add_many(events(count))]

    logs, total = monitoring.get_logs()
    assert outcomes == [Outcome.STORED] * count
    assert (len(logs), total) == (count, count)


def test_a_single_row_is_stored_again(
    engine: Engine, monitoring: MonitoringDatabase, cleaner: MonitoringDatabase
) -> None:
    with before_each(engine, LOOK, once(lambda: cleaner.retention.delete_old(0))):
        log = monitoring.add_log("web", "request", timestamp=NOON, event_id="e0")

    assert (log.id, log.is_replay) == ("e0", False)
    assert monitoring.get_logs()[1] == 1


def test_a_row_deleted_after_it_was_read_is_a_replay(
    engine: Engine, monitoring: MonitoringDatabase, cleaner: MonitoringDatabase
) -> None:
    with before_each(engine, READ, once(lambda: cleaner.retention.delete_old(0))):
        log = monitoring.add_log("web", "request", timestamp=NOON, event_id="e0")

    assert (log.id, log.is_replay) == ("e0", True)
    assert monitoring.get_logs()[1] == 0


def test_rows_stored_again_never_deadlock(
    engine: Engine, monitoring: MonitoringDatabase, cleaner: MonitoringDatabase
) -> None:
    named = [*events(1), EventToStore("web", "request", timestamp=NOON, event_id="e9")]
    with ThreadPoolExecutor(1) as pool:
        others: list[Future[list[InsertResult]]] = []

        def clear_and_store() -> None:
            # The other inserts the first id again and waits for the second, which is new here.
            cleaner.retention.delete_old(0)
            others.append(pool.submit(cleaner.events.add_many, named))
            assert wait_until(lambda: waits_for_a_lock(engine))

        with before_each(engine, LOOK, once(clear_and_store)):
            outcomes = [result.outcome for result in monitoring.events.add_many(named)]

        both = [outcomes, [result.outcome for result in others[0].result()]]
    assert sorted(both) == [[Outcome.REPEATED] * 2, [Outcome.STORED] * 2]
    assert monitoring.get_logs()[1] == 2


def test_rows_stored_and_deleted_all_the_time_make_the_database_busy(
    engine: Engine, monitoring: MonitoringDatabase, cleaner: MonitoringDatabase
) -> None:
    def on(_c: object, _cursor: object, statement: str, *_: Any) -> None:
        if statement.startswith(f"SELECT {LOOK}"):
            cleaner.retention.delete_old(0)
        elif statement.startswith("INSERT INTO monitoring.monitoring_logs"):
            cleaner.events.add_many(events(1))

    event.listen(engine, "before_cursor_execute", on)
    with pytest.raises(DatabaseBusy):
        monitoring.events.add_many(events(1))
    event.remove(engine, "before_cursor_execute", on)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM monitoring.monitoring_logs")) == 0
