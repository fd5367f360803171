"""Database of a service: units of work on PostgreSQL or on the in-memory store."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

import psycopg2
from sqlalchemy import Connection, Engine, MetaData, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from shared_db.connection.roles import Role
from shared_db.connection.store import SUSPECT_SHARE, Check, Store, memory_store, open_from_settings
from shared_db.connection.transactions import begin_transaction, new_session
from shared_db.errors import DatabaseBusy, DatabaseUnavailable, QueryTooExpensive
from shared_db.resilience import descriptors
from shared_db.resilience.circuit_breaker import CircuitBreaker
from shared_db.resilience.deadlines import Deadline, deadline_scope
from shared_db.resilience.error_classification import (
    is_answer,
    is_timeout,
    to_service_error,
    write_refusal,
)
from shared_db.settings import DatabaseSettings

_TOO_EXPENSIVE = (
    "The query was given up after DATABASE_STATEMENT_TIMEOUT_SECONDS. Narrow it: a shorter time, "
    "one source, fewer conditions."
)

_SLOW = "The database answers, but too slowly. Try again in a moment."
_CUT = "The connection to the database was lost, and it answers again. Try again."
_NONE_FREE = "The request was given up: all connections of this process are in use. Try again."

_COMMIT_WITHOUT_WAITING = text("SET LOCAL synchronous_commit = off")

# Time that a client waits beyond the time-outs that the server enforces.
_GRACE_SECONDS = 0.5
# A unit of work that writes has several statements, each with its own time-out.
_WRITING_STATEMENTS = 3
# A snapshot reads many pages, each a statement of its own.
_SNAPSHOT_STATEMENTS = 6


class Database:
    """Database of one service; its store is opened on first use."""

    def __init__(self, open_store: Callable[[], Store]) -> None:
        self._open_store = open_store
        self._store: Store | None = None
        self._lock = threading.Lock()

    @classmethod
    def from_settings(
        cls,
        application_name: str,
        metadata: MetaData,
        settings: DatabaseSettings | Callable[[], DatabaseSettings] = DatabaseSettings.load,
    ) -> "Database":
        """Return the database of the settings; a loader is called when the store is opened."""

        def open_store() -> Store:
            chosen = settings if isinstance(settings, DatabaseSettings) else settings()
            return open_from_settings(chosen, application_name, metadata)

        return cls(open_store)

    @classmethod
    def for_bind(
        cls,
        bind: Engine | Connection,
        *,
        statement_timeout_seconds: float = 10,
        role: str | None = None,
    ) -> "Database":
        """Return a database on an existing engine or connection.

        role: the one that units of work take; `none` is the login itself.
        """
        taken = Role(role, is_taken=True) if role else None
        store = Store(bind, statement_timeout_seconds=statement_timeout_seconds, role=taken)
        return cls(lambda: store)

    @classmethod
    def in_memory(cls, metadata: MetaData, reason: str = "asked for") -> "Database":
        """Return a new, empty in-memory database."""
        return cls(lambda: memory_store(metadata, reason))

    @property
    def store(self) -> Store:
        """The opened store.

        Raises:
            ConfigurationError: the settings cannot work.

        """
        with self._lock:
            if self._store is None:
                self._store = self._open_store()
            return self._store

    def require_available(self) -> None:
        """Return at once if the server is not known to be away, without a query.

        Raises:
            DatabaseUnavailable: it is known to be away.

        """
        if self.store.breaker is not None:
            self.store.breaker.check()

    def add_recovery_check(self, check: Check) -> None:
        """Use a server that was away again only after it has passed the check."""
        if self.store.checks is not None:
            self.store.checks.append(check)

    @property
    def use_fallback(self) -> bool:
        """Return True if the in-memory store answers."""
        return self.store.is_memory

    @property
    def is_open_in_memory(self) -> bool:
        """Return True if the in-memory store is open; does not open a store."""
        return self._store is not None and self._store.is_memory

    @contextmanager
    def unit_of_work(self, *, wait_for_disk: bool = True) -> Iterator[Session]:
        """Yield a session; its work is committed at the end, or rolled back on any error.

        wait_for_disk: False for the batches of an import that can be repeated. Their commits do not
        wait for the disk: a crash of the server may lose the latest ones, each as a whole, and the
        next run stores them. The last unit of work of the import must wait, which puts all earlier
        commits on the disk, too.

        Raises:
            DatabaseUnavailable: the server does not answer; after a lost connection the outcome is
                unknown, and repeating a request under the same id is safe.
            DatabaseBusy: a lock, a time-out, or no connection left.

        """
        with self._session(read_only=False) as session:
            if not wait_for_disk and not self.store.is_memory:
                session.execute(_COMMIT_WITHOUT_WAITING)
            yield session
            session.commit()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yield a session in a read-only transaction; PostgreSQL refuses any write in it.

        Raises:
            DatabaseUnavailable: the server does not answer.
            DatabaseBusy: a time-out, or no connection left.

        """
        with self._session(read_only=True) as session:
            yield session

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """Yield a session as `reading` does; all its statements read the same state of the rows.

        It may last six times as long as a statement.

        Raises:
            DatabaseUnavailable: the server does not answer.
            DatabaseBusy: a time-out, or no connection left.

        """
        with self._session(read_only=True, is_snapshot=True) as session:
            yield session

    @contextmanager
    def reading_filtered(self) -> Iterator[Session]:
        """Yield a session as `reading` does, for a query with conditions of the caller.

        Raises:
            QueryTooExpensive: the query ran into the time-out; repeating it would not help.
            DatabaseUnavailable: the server does not answer.
            DatabaseBusy: no connection left.

        """
        try:
            with self.reading() as session:
                yield session
        except DatabaseBusy as busy:
            if not is_timeout(busy.__cause__):
                raise
            raise QueryTooExpensive(_TOO_EXPENSIVE) from busy

    def get_session(self) -> Session:
        """Return a plain session; the caller commits and closes it."""
        return new_session(self.store.bind)

    def close(self) -> None:
        """Close the connections; an in-memory store loses its rows with them."""
        with self._lock:
            store, self._store = self._store, None
        if store is not None:
            store.close()

    @contextmanager
    def _session(self, *, read_only: bool, is_snapshot: bool = False) -> Iterator[Session]:
        store = self.store
        statements = 1 if read_only else _WRITING_STATEMENTS
        if is_snapshot:
            statements = _SNAPSHOT_STATEMENTS
        guarded = (
            _guarded(store, statements, read_only=read_only) if store.breaker else nullcontext()
        )
        try:
            with (
                guarded as deadline,
                begin_transaction(
                    store, deadline, read_only=read_only, is_snapshot=is_snapshot
                ) as session,
            ):
                yield session
        except PoolTimeout as failure:
            self.require_available()  # a hanging server holds all connections: report that instead
            raise DatabaseBusy(_NONE_FREE) from failure
        except (DBAPIError, psycopg2.Error) as failure:  # COPY raises psycopg2's own
            refusal = to_service_error(failure, is_reading=read_only)
            if refusal is None:
                raise
            raise refusal from failure
        except OSError as failure:
            if shortage := descriptors.shortage(failure):
                raise shortage from failure
            raise


@contextmanager
def _guarded(store: Store, statements: int, *, read_only: bool) -> Iterator[Deadline]:
    """Yield the deadline of a unit of work while the breaker is closed; record its outcome."""
    breaker = store.breaker
    assert breaker is not None  # noqa: S101 - only called with a breaker
    breaker.check()
    usual = store.statement_timeout_seconds * statements
    with deadline_scope(
        usual + _GRACE_SECONDS,
        store.adding_seconds * SUSPECT_SHARE,
        breaker.suspect,
        lambda: not breaker.is_up,
    ) as deadline:
        try:
            yield deadline
        except (DBAPIError, psycopg2.Error) as failure:
            if not is_answer(getattr(failure, "orig", failure)):
                _require_away(breaker, failure, deadline, is_reading=read_only)
            elif not read_only and (refusal := write_refusal(failure)):
                breaker.record_refused_write(refusal)
            raise
        if read_only:
            breaker.record_success()
        else:
            breaker.record_write()


def _require_away(
    breaker: CircuitBreaker,
    failure: DBAPIError | psycopg2.Error,
    deadline: Deadline,
    *,
    is_reading: bool,
) -> None:
    """Return if the server is away; a unit of work that was only slow or cut off is to be repeated.

    Raises:
        DatabaseBusy: the server answers other statements, or its probe.

    """
    if not isinstance(to_service_error(failure, is_reading=is_reading), DatabaseUnavailable):
        return
    if not breaker.is_away_after_probe():
        raise DatabaseBusy(_SLOW if deadline.is_over else _CUT) from failure
