"""How long one unit of work may take, measured here: a hanging server enforces nothing itself."""

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

from shared_db.resilience.threads import start_thread

logger = logging.getLogger(__name__)

_TICK_SECONDS = 0.05
# How long the thread stays when nothing is watched: starting it anew for each request costs more.
_IDLE_TICKS = 40


@dataclass
class Deadline:
    """When one unit of work is given up, and whom to tell when it takes suspiciously long.

    at, doubted_at: on the monotonic clock. is_hopeless: tells that it may be given up before.
    """

    at: float
    suspect_at: float
    doubt: Callable[[], None]
    should_abort: Callable[[], bool]
    is_doubted: bool = False

    @property
    def is_past(self) -> bool:
        """Tell whether the unit of work is given up."""
        return time.monotonic() >= self.at

    @property
    def seconds_left(self) -> float:
        """Seconds until the unit of work is given up, 0 or more."""
        return max(0.0, self.at - time.monotonic())

    @property
    def is_over(self) -> bool:
        """Tell whether to wait no longer: it is past, or was doubted and is hopeless."""
        return self.is_past or (self.is_doubted and self.should_abort())

    def report_slow(self) -> None:
        """Tell once that this takes long."""
        if not self.is_doubted:
            self.is_doubted = True
            self.doubt()


_limit: ContextVar[float | None] = ContextVar("veritas_limit", default=None)
_deadline: ContextVar[Deadline | None] = ContextVar("veritas_deadline", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Give each unit of work in this context so many seconds, in place of its usual ones."""
    token = _limit.set(seconds)
    try:
        yield
    finally:
        _limit.reset(token)


@contextmanager
def deadline_scope(
    usual_seconds: float,
    doubt_seconds: float,
    doubt: Callable[[], None],
    is_away: Callable[[], bool] = lambda: False,
) -> Iterator[Deadline]:
    """Set the deadline that connecting and `watched` keep to.

    doubt: called once after `doubt_seconds`. is_away: tells afterwards whether the server is known
    to be away; what has a limit of its own (see `within`) is then given up at once.
    """
    now = time.monotonic()
    limit = _limit.get()
    seconds = usual_seconds if limit is None else limit
    should_abort = (lambda: False) if limit is None else is_away
    deadline = Deadline(now + seconds, now + min(doubt_seconds, seconds), doubt, should_abort)
    token = _deadline.set(deadline)
    try:
        yield deadline
    finally:
        _deadline.reset(token)


def connect_in_time(engine: Engine) -> None:
    """Make the engine's connecting keep to the deadline, whatever it hangs on, also DNS."""
    event.listen(engine, "do_connect", _connect)


def _connect(dialect: Any, _record: Any, arguments: list[Any], options: dict[str, Any]) -> Any:
    deadline = _deadline.get()
    if deadline is None:
        return None  # SQLAlchemy then connects itself
    attempt = _Attempt(partial(dialect.loaded_dbapi.connect, *arguments, **options))
    return attempt.result(deadline)


class _Attempt:
    """Connecting in a thread of its own, which is left alone when it takes too long."""

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
        except BaseException as failure:  # noqa: BLE001 - raised again where it is waited for
            self._failure = failure
        with self._lock:
            self._is_done.set()
            if self._is_abandoned and self._connection is not None:
                self._connection.close()


@dataclass(eq=False)
class _Watched:
    # A duplicate of the descriptor: the connection's own may be closed and its number be another's.
    socket: socket.socket
    deadline: Deadline


@dataclass
class _Watchdog:
    """A thread that shuts the socket of each unit of work that is past its deadline."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    watched: set[_Watched] = field(default_factory=set)
    is_running: bool = False

    def add(self, watched: _Watched) -> None:
        with self.lock:
            self.watched.add(watched)
            if not self.is_running:
                start_thread("veritas-watchdog", self._run)
                self.is_running = True  # not before: it may be that no thread can be started

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
                doubted = self._doubted(time.monotonic())
            for deadline in doubted:  # not under the lock: it starts a unit of work of its own
                _tell_doubt(deadline)

    def _cut(self) -> None:
        for watched in self.watched:
            if watched.deadline.is_over:
                with suppress(OSError):  # the other side was faster
                    watched.socket.shutdown(socket.SHUT_RDWR)

    def _doubted(self, now: float) -> list[Deadline]:
        return [w.deadline for w in self.watched if now >= w.deadline.suspect_at]


def _tell_doubt(deadline: Deadline) -> None:
    try:
        deadline.report_slow()
    except Exception as failure:  # noqa: BLE001 - who is watched besides must not pay for it
        logger.error("a doubt could not be told: %s", type(failure).__qualname__)  # noqa: TRY400 - its text may be personal


_WATCHDOG = _Watchdog()


@contextmanager
def watched(connection: Connection, deadline: Deadline) -> Iterator[None]:
    """Shut the connection when the deadline passes; whoever waits on it then fails."""
    number = connection.connection.dbapi_connection.fileno()  # type: ignore[union-attr] # psycopg2's
    entry = _Watched(socket.fromfd(number, socket.AF_INET, socket.SOCK_STREAM), deadline)
    try:
        _WATCHDOG.add(entry)
        yield
    finally:
        _WATCHDOG.remove(entry)
