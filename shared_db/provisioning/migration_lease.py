"""Migration lease: one process migrates at a time, also through a transaction pooler.

A row names the holder and the end of its lease. The holder renews it while it works; the lease of a
dead holder expires. Each migration also locks the row, so that a slow holder is not overtaken in
the middle of one, and an overtaken holder cannot begin one.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import DBAPIError

from shared_db.errors import ConfigurationError
from shared_db.ids import new_id

logger = logging.getLogger(__name__)

LEASE_SECONDS = 60.0
WAIT_SECONDS = 300.0
# Waiting longer for a lock would stall every request behind the waiting ALTER.
LOCK_TIMEOUT_SECONDS = 5.0
_POLL_SECONDS = 0.2
LEASE_SCHEMA = "migrations"

_LOCK_NOT_AVAILABLE = "55P03"
# Errors of the second of two processes that create the same object at the same moment.
_MADE_BY_ANOTHER = {"23505", "42P06", "42P07"}

_IS_THERE = text("SELECT to_regclass('migrations.lease') IS NOT NULL")
_MAKE = (
    text("CREATE SCHEMA IF NOT EXISTS migrations"),
    text(
        "CREATE TABLE IF NOT EXISTS migrations.lease ("
        " name text PRIMARY KEY, holder text NOT NULL, expires_at timestamptz NOT NULL)"
    ),
)
# DELETE needs the lock that a migration holds with FOR KEY SHARE; renewing does not.
_DELETE_EXPIRED = text("DELETE FROM migrations.lease WHERE expires_at < clock_timestamp()")
_TAKE = text(
    "INSERT INTO migrations.lease VALUES"
    " ('migrate', :holder, clock_timestamp() + make_interval(secs => :seconds))"
    " ON CONFLICT DO NOTHING RETURNING name"
)
_RENEW = text(
    "UPDATE migrations.lease"
    " SET expires_at = clock_timestamp() + make_interval(secs => :seconds) WHERE holder = :holder"
)
_HOLD = text("SELECT name FROM migrations.lease WHERE holder = :holder FOR KEY SHARE")
_RELEASE = text("DELETE FROM migrations.lease WHERE holder = :holder")
_HOLDER = text("SELECT holder, expires_at FROM migrations.lease")


class MigrationInProgress(ConfigurationError):
    """Another process migrates; this one changed nothing."""


class LockTimeout(ConfigurationError):
    """Other processes locked a table for too long; the migration was rolled back."""


@dataclass(frozen=True)
class Lease:
    """Right to migrate, held by this process."""

    engine: Engine
    holder: str
    seconds: float = LEASE_SECONDS
    lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Yield a transaction in which no other process migrates; it is committed at the end.

        Raises:
            MigrationInProgress: the lease expired meanwhile and another process holds it.
            LockTimeout: a lock was not granted in time; nothing is changed.

        """
        with self.connection() as connection, connection.begin():
            yield connection

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Yield a connection; during each of its transactions no other process migrates.

        Raises:
            MigrationInProgress: the lease expired meanwhile and another process holds it.
            LockTimeout: a lock was not granted in time; its transaction is rolled back.

        """
        try:
            with self.engine.connect() as connection:
                event.listen(connection, "begin", self._hold)
                yield connection
        except DBAPIError as failure:
            if getattr(failure.orig, "pgcode", None) != _LOCK_NOT_AVAILABLE:
                raise
            raise LockTimeout(
                f"A table is in use: its lock was not given within {self.lock_timeout_seconds:g} "
                "seconds. Nothing of this step is changed, and running it again is safe."
            ) from failure

    def _hold(self, connection: Connection) -> None:
        _limit_waiting(connection, self.lock_timeout_seconds)
        if connection.execute(_HOLD, {"holder": self.holder}).first() is None:
            raise MigrationInProgress(
                "The lease was lost to another process; this one does not go on."
            )

    def take(self) -> bool:
        """Take the lease; return False if another process holds it."""
        try:
            with self.engine.begin() as connection:
                _limit_waiting(connection, 1)
                connection.execute(_DELETE_EXPIRED)
                taken = connection.execute(_TAKE, self._values).first()
        except DBAPIError as failure:
            if getattr(failure.orig, "pgcode", None) != _LOCK_NOT_AVAILABLE:
                raise
            return False
        return taken is not None

    def renew(self) -> None:
        """Renew the lease from now on; a failure is logged, and the next attempt may succeed."""
        try:
            with self.engine.begin() as connection:
                connection.execute(_RENEW, self._values)
        except DBAPIError:
            logger.warning("The lease of the migration could not be renewed.")

    def release(self) -> None:
        """Release the lease; if that fails, it expires by itself."""
        try:
            with self.engine.begin() as connection:
                connection.execute(_RELEASE, {"holder": self.holder})
        except DBAPIError:
            logger.warning("The lease of the migration could not be released; it will run out.")

    @property
    def _values(self) -> dict[str, object]:
        return {"holder": self.holder, "seconds": self.seconds}


@contextmanager
def held_lease(
    engine: Engine,
    *,
    seconds: float = LEASE_SECONDS,
    wait_seconds: float = WAIT_SECONDS,
    lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS,
) -> Iterator[Lease]:
    """Yield the lease, after waiting for another holder; it is renewed until the end.

    Raises:
        MigrationInProgress: another process still held it after `wait_seconds`.

    """
    _make_table(engine)
    holder = f"{socket.gethostname()}, process {os.getpid()} ({new_id()})"
    lease = Lease(engine, holder, seconds, lock_timeout_seconds)
    _wait_for(lease, wait_seconds)
    try:
        with _repeated(lease.renew, seconds / 3):
            yield lease
    finally:
        lease.release()


def _make_table(engine: Engine) -> None:
    with engine.connect() as connection:
        if connection.scalar(_IS_THERE):
            return
    try:
        with engine.begin() as connection:
            for statement in _MAKE:
                connection.execute(statement)
    except DBAPIError as failure:
        if getattr(failure.orig, "pgcode", None) not in _MADE_BY_ANOTHER:
            raise


def _wait_for(lease: Lease, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while not lease.take():
        if time.monotonic() > deadline:
            with lease.engine.connect() as connection:
                found = connection.execute(_HOLDER).first()
            holder = (
                f"{found.holder}, until {found.expires_at:%H:%M:%S %Z}" if found else "nobody now"
            )
            raise MigrationInProgress(
                f"Another process migrates this database: {holder}. Try again later."
            )
        time.sleep(_POLL_SECONDS)


def _limit_waiting(connection: Connection, seconds: float) -> None:
    query = text("SELECT set_config('lock_timeout', :milliseconds, true)")
    connection.execute(query, {"milliseconds": f"{seconds * 1000:.0f}"})


@contextmanager
def _repeated(act: Callable[[], None], seconds: float) -> Iterator[None]:
    is_over = threading.Event()

    def repeat() -> None:
        while not is_over.wait(seconds):
            act()

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
