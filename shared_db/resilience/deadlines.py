"""Deadlines of units of work, enforced in this process: a hanging server enforces nothing.

They need threads beside those of the requests; a machine may refuse to start one.
"""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import psycopg2
from sqlalchemy import Connection, Engine, event

from shared_db.errors import Overloaded

logger = logging.getLogger(__name__)

THREAD_LIMIT = "The machine lets no further thread be started. Try again."

_TICK_SECONDS = 0.05
# The thread stays for so many ticks without work: a new one for each request would cost more.
_IDLE_TICKS = 40


def start_thread(name: str, work: Callable[[], None]) -> None:
    """Start the work in a thread that ends with the process.

    Raises:
        Overloaded: no further thread can be started now.

    """
    try:
        threading.Thread(target=work, name=name, daemon=True).start()
    except RuntimeError as refusal:
        raise Overloaded(THREAD_LIMIT) from refusal


@dataclass
class Deadline:
    """Deadline of one unit of work, with the report that it is slow.

    at, suspect_at: seconds on the monotonic clock. on_suspect: called once, when the work is slow.
    should_abort: returns True if slow work may be given up before `at`.
    """

    at: float
    suspect_at: float
    on_suspect: Callable[[], None]
    should_abort: Callable[[], bool]
    is_suspect: bool = False

    @property
    def is_past(self) -> bool:
        """Return True if the time of the unit of work is over."""
        return time.monotonic() >= self.at

    @property
    def seconds_left(self) -> float:
        """Seconds until the unit of work is given up, 0 or more."""
        return max(0.0, self.at - time.monotonic())

    @property
    def is_over(self) -> bool:
        """Return True if the unit of work is given up: it is past, or slow and to be aborted."""
        return self.is_past or (self.is_suspect and self.should_abort())

    def report_slow(self) -> None:
        """Report that the unit of work is slow, once."""
        if not self.is_suspect:
            self.is_suspect = True
            self.on_suspect()


_limit: ContextVar[float | None] = ContextVar("veritas_limit", default=None)
_deadline: ContextVar[Deadline | None] = ContextVar("veritas_deadline", default=None)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Limit each unit of work in this context to so many seconds, instead of its usual limit."""
    token = _limit.set(seconds)
    try:
        yield
    finally:
        _limit.reset(token)


@contextmanager
def deadline_scope(
    usual_seconds: float,
    suspect_seconds: float,
    on_suspect: Callable[[], None],
    is_away: Callable[[], bool] = lambda: False,
) -> Iterator[Deadline]:
    """Set the deadline that connecting and `watch` keep to.

    on_suspect: called once after `suspect_seconds`. is_away: returns True if the server is known to
    be away; a unit of work under a `time_limit` is then given up at once, if it is slow.
    """
    now = time.monotonic()
    limit = _limit.get()
    seconds = usual_seconds if limit is None else limit
    should_abort = (lambda: False) if limit is None else is_away
    deadline = Deadline(
        now + seconds, now + min(suspect_seconds, seconds), on_suspect, should_abort
    )
    token = _deadline.set(deadline)
    try:
        yield deadline
    finally:
        _deadline.reset(token)


def connect_in_time(engine: Engine) -> None:
    """Make the engine's connecting keep to the deadline, also while it waits for DNS."""
    event.listen(engine, "do_connect", _connect)


def _connect(dialect: Any, _record: Any, arguments: list[Any], options: dict[str, Any]) -> Any:
    deadline = _deadline.get()
    if deadline is None:
        return None  # SQLAlchemy then connects itself
    attempt = _ConnectAttempt(partial(dialect.loaded_dbapi.connect, *arguments, **options))
    return attempt.result(deadline)


class _ConnectAttempt:
    """Attempt to connect in a thread of its own, which is abandoned when it takes too long."""

    def __init__(self, connect: Callable[[], Any]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._is_done = threading.Event()
        self._is_abandoned = False
        self._connection: Any = None
        self._failure: BaseException | None = None
        start_thread("veritas-connecting", self._run)

    def result(self, deadline: Deadline) -> Any:
        """Return the connection.

        Raises:
            psycopg2.OperationalError: it could not be made, or not in time.

        """
        if not self._is_done.wait(max(0, deadline.suspect_at - time.monotonic())):
            deadline.report_slow()
            while not self._is_done.wait(_TICK_SECONDS) and not deadline.is_over:
                pass
        with self._lock:
            self._is_abandoned = not self._is_done.is_set()
        if self._is_abandoned:
            raise psycopg2.OperationalError("the server did not take the connection in time")
        if self._failure is not None:
            raise self._failure
        return self._connection

    def _run(self) -> None:
        try:
            self._connection = self._connect()
        except BaseException as failure:  # noqa: BLE001 - raised again by `result`
            self._failure = failure
        with self._lock:
            self._is_done.set()
            if self._is_abandoned and self._connection is not None:
                self._connection.close()


@dataclass(eq=False)
class _Watched:
    # A duplicate of the descriptor: once the connection closes its own, the number may be reused.
    socket: socket.socket
    deadline: Deadline


@dataclass
class _Watchdog:
    """Thread that shuts the socket of each unit of work past its deadline."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    watched: set[_Watched] = field(default_factory=set)
    is_running: bool = False

    def add(self, watched: _Watched) -> None:
        with self.lock:
            self.watched.add(watched)
            if not self.is_running:
                start_thread("veritas-watchdog", self._run)
                self.is_running = True  # only now: the thread may have been refused

    def remove(self, watched: _Watched) -> None:
        with self.lock:
            self.watched.discard(watched)
            watched.socket.close()

    def _run(self) -> None:
        idle = 0
        while True:
            time.sleep(_TICK_SECONDS)
            with self.lock:
                idle = 0 if self.watched else idle + 1
                if idle > _IDLE_TICKS:
                    self.is_running = False
                    return
                self._cut()
                suspects = self._suspects(time.monotonic())
            for deadline in suspects:  # not under the lock: it starts a unit of work of its own
                _report_slow(deadline)

    def _cut(self) -> None:
        for watched in self.watched:
            if watched.deadline.is_over:
                with suppress(OSError):  # the server closed it first
                    watched.socket.shutdown(socket.SHUT_RDWR)

    def _suspects(self, now: float) -> list[Deadline]:
        return [w.deadline for w in self.watched if now >= w.deadline.suspect_at]


def _report_slow(deadline: Deadline) -> None:
    try:
        deadline.report_slow()
    except Exception as failure:  # noqa: BLE001 - the other units of work stay watched
        logger.error("a slow answer could not be reported: %s", type(failure).__qualname__)  # noqa: TRY400 - its text may be personal


_WATCHDOG = _Watchdog()


@contextmanager
def watch(connection: Connection, deadline: Deadline) -> Iterator[None]:
    """Shut the connection when the deadline is over; a thread that waits on it then fails."""
    number = connection.connection.dbapi_connection.fileno()  # type: ignore[union-attr] # psycopg2's
    entry = _Watched(socket.fromfd(number, socket.AF_INET, socket.SOCK_STREAM), deadline)
    try:
        _WATCHDOG.add(entry)
        yield
    finally:
        _WATCHDOG.remove(entry)
