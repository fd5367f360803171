"""Server that accepts connections and never answers, and circuit breaker with a test probe."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from shared_db.connection.database import Database
from shared_db.errors import ConfigurationError, DatabaseBusy, DatabaseUnavailable, Overloaded
from shared_db.resilience.circuit_breaker import CircuitBreaker
from shared_db.resilience.deadlines import deadline_scope, time_limit, watch
from shared_db.settings import DatabaseSettings
from staffstuddash_service.models import Base
from tests.e2e.processes import wait_until
from tests.support.databases import become_owner, engine_on
from tests.support.no_threads import no_thread

WATCHDOG = "veritas-watchdog"
SLEEP = "SELECT pg_sleep(30)"


class Hanging:
    """Port that counts connections and never answers."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.taken: list[socket.socket] = []
        self.taker = threading.Thread(target=self._take, daemon=True)
        self.taker.start()

    @property
    def url(self) -> str:
        return f"postgresql://ada:secret@127.0.0.1:{self.listener.getsockname()[1]}/school"

    def _take(self) -> None:
        with suppress(OSError):
            while True:
                self.taken.append(self.listener.accept()[0])

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)  # ends the wait for connections
        self.listener.close()
        self.taker.join()
        for connection in self.taken:
            connection.close()


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    """Yield a port that never answers."""
    server = Hanging()
    yield server
    server.close()


def database_at(url: str, **settings: object) -> Database:
    values = {"database_url": url, "database_connect_timeout_seconds": 1, **settings}
    return Database.from_settings("test", Base.metadata, DatabaseSettings.load(**values))


def test_a_server_that_never_answers_is_given_up(hanging: Hanging) -> None:
    with closing(database_at(hanging.url)) as database:
        assert not database.use_fallback  # opens the store, which connects once
        taken = len(hanging.taken)
        with pytest.raises(DatabaseUnavailable), database.unit_of_work():
            pass
        assert len(hanging.taken) - taken <= 1  # by the probe alone


def test_a_unit_of_work_past_its_limit_is_given_up_on_a_live_server(
    migrated_url: str,
) -> None:
    with closing(database_at(migrated_url)) as database:
        for query in (SLEEP, f"SET LOCAL statement_timeout = 0; {SLEEP}"):
            with time_limit(0.2), pytest.raises(DatabaseBusy), database.unit_of_work() as session:
                session.execute(text(query))
        breaker = database.store.breaker

        assert breaker is not None
        assert breaker.is_up
        with database.reading() as session:
            assert session.scalar(text("SELECT 1")) == 1


def test_a_lost_connection_is_no_outage_while_the_server_answers(
    migrated_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(database_at(migrated_url)) as database:
        with pytest.raises(DatabaseBusy), database.unit_of_work() as session:
            become_owner(session)
            session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        breaker = database.store.breaker

        assert breaker is not None
        assert breaker.is_up
    assert "away" not in caplog.text


def is_watched() -> bool:
    """Return True if the watchdog's thread runs; without work it stops after a while."""
    return any(thread.name == WATCHDOG for thread in threading.enumerate())


def test_without_a_thread_a_unit_of_work_is_refused_and_the_next_is_watched(
    migrated_url: str,
) -> None:
    with closing(database_at(migrated_url)) as database:
        assert wait_until(lambda: not is_watched())
        for missing in (WATCHDOG, "veritas-connecting"):
            with no_thread(missing), pytest.raises(Overloaded), database.reading():
                pass

        with time_limit(0.2), pytest.raises(DatabaseBusy), database.reading() as session:
            session.execute(text(f"SET LOCAL statement_timeout = 0; {SLEEP}"))


def test_a_failing_report_does_not_stop_the_watchdog(
    migrated_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise ValueError("Ada")

    with (
        engine_on(migrated_url).connect() as connection,
        deadline_scope(0.3, 0.1, fail) as deadline,
        watch(connection, deadline),
        pytest.raises(OperationalError),
    ):
        connection.execute(text("SELECT pg_sleep(5)"))

    assert "ValueError" in caplog.text
    assert "Ada" not in caplog.text


class Probed:
    """Probe that counts its calls, runs `meanwhile` and raises the failure, if any."""

    def __init__(self, failure: Exception | None) -> None:
        self.failure = failure
        self.meanwhile: Callable[[], None] = lambda: None
        self.count = 0

    def __call__(self, _seconds: float) -> None:
        self.count += 1
        self.meanwhile()
        if self.failure is not None:
            raise self.failure


@pytest.fixture
def probe() -> Probed:
    """Return a probe that fails at first."""
    return Probed(DatabaseUnavailable("no answer"))


@pytest.fixture
def breaker(probe: Probed) -> Iterator[CircuitBreaker]:
    """Yield a breaker with that probe."""
    breaker = CircuitBreaker(probe, patience_seconds=1, longest_seconds=1)
    yield breaker
    breaker.stop()


def test_the_breaker_stays_open_until_the_probe_succeeds(
    probe: Probed, breaker: CircuitBreaker
) -> None:
    breaker.trip()
    with pytest.raises(DatabaseUnavailable):
        breaker.check()
    assert wait_until(lambda: probe.count > 1)
    assert not breaker.is_up
    probe.failure = None

    assert wait_until(lambda: breaker.is_up)
    breaker.check()


def test_a_probe_without_a_thread_is_started_later(probe: Probed, breaker: CircuitBreaker) -> None:
    probe.failure = None
    with no_thread("veritas-probe"):
        breaker.trip()
    assert not breaker.is_up
    with pytest.raises(DatabaseUnavailable):
        breaker.check()

    assert wait_until(lambda: breaker.is_up, seconds=10)


def test_overload_is_no_outage(probe: Probed, breaker: CircuitBreaker) -> None:
    probe.failure = DatabaseBusy("full")
    breaker.trip()

    assert wait_until(lambda: breaker.is_up)


def test_an_unusable_server_stays_away_and_the_reason_is_logged(
    probe: Probed, breaker: CircuitBreaker, caplog: pytest.LogCaptureFixture
) -> None:
    probe.failure = ConfigurationError("Run `veritas migrate` on db.school.example.")
    breaker.trip()

    assert wait_until(lambda: "cannot be used" in (breaker.reason or ""))
    assert caplog.text.count("Run `veritas migrate`") == 1
    with pytest.raises(DatabaseUnavailable) as refusal:
        breaker.check()
    assert "school.example" not in str(refusal.value)


@pytest.mark.parametrize("is_answered", [True, False])
def test_a_failed_probe_opens_the_breaker_unless_a_statement_was_answered(
    probe: Probed, breaker: CircuitBreaker, is_answered: bool
) -> None:
    if is_answered:
        probe.meanwhile = breaker.record_success
    breaker.suspect()

    assert wait_until(lambda: probe.count > (0 if is_answered else 1))
    assert breaker.is_up is is_answered
