"""Units of work on whichever store answers: PostgreSQL, or the in-memory one."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial

import psycopg2
from sqlalchemy import Connection, Engine, MetaData
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from shared_db.connection.roles import Role
from shared_db.connection.store import DOUBT_SHARE, Check, Store, memory_store, open_from_settings
from shared_db.connection.transactions import session_on, transaction
from shared_db.errors import DatabaseBusy, DatabaseUnavailable, NotFound, QueryTooExpensive
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
from shared_db.spool.queue import Spool, asked, is_replaying

_TOO_EXPENSIVE = (
    "The query was given up after DATABASE_STATEMENT_TIMEOUT_SECONDS. Narrow it: a shorter time, "
    "one source, fewer conditions."
)

_NOT_GIVEN_BACK = "It was accepted and is not in the database yet. Try again in a few seconds."
_SLOW = "The database answers, but too slowly. Try again in a moment."
_CUT = "The connection to the database was lost, and it answers again. Try again."
_NONE_FREE = "The request was given up: all connections of this process are in use. Try again."

# What a client waits beyond the time-outs that the server keeps itself.
_GRACE_SECONDS = 0.5
# A unit of work that writes has many statements, each with the time-out of one.
_WRITING_STATEMENTS = 3


class Database:
    """The store of one service; it is opened on first use, not when this is made."""

    def __init__(self, open_store: Callable[[], Store]) -> None:
        self._open_store = open_store
        self._store: Store | None = None
        self._lock = threading.Lock()
        self._spool: Spool | None = None
        # Why there is none, where the service was to have one; rows may wait in its file.
        self.spool_failure: str | None = None

    @classmethod
    def from_settings(
        cls,
        application_name: str,
        metadata: MetaData,
        settings: DatabaseSettings | Callable[[], DatabaseSettings] = DatabaseSettings.load,
    ) -> "Database":
        """Return the database that the settings name; a loader is called when it is opened."""

        def open_store() -> Store:
            chosen = settings if isinstance(settings, DatabaseSettings) else settings()
            return open_from_settings(chosen, application_name, metadata)

        return cls(open_store)

    @classmethod
    def on(
        cls,
        bind: Engine | Connection,
        *,
        statement_timeout_seconds: float = 10,
        role: str | None = None,
    ) -> "Database":
        """Return a database on an engine or connection that is there already.

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

    @property
    def spool(self) -> Spool | None:
        """Where additions wait while the server is away; None where nothing is spooled."""
        return None if is_replaying() else self._spool

    def use_spool(self, spool: Spool) -> None:
        """Accept additions into the spool from now on while the server is away."""
        self._spool = spool

    def require_available(self) -> None:
        """Learn without asking the server whether it is known to be away.

        Raises:
            DatabaseUnavailable: it is.

        """
        if self.store.availability is not None:
            self.store.availability.require()

    def add_recovery_check(self, check: Check) -> None:
        """Let a server that was away be used again only when it stands the check."""
        if self.store.checks is not None:
            self.store.checks.append(check)

    @property
    def use_fallback(self) -> bool:
        """Tell whether the in-memory store answers."""
        return self.store.is_memory

    @property
    def is_open_in_memory(self) -> bool:
        """Tell the same without opening a store that was not used yet."""
        return self._store is not None and self._store.is_memory

    @contextmanager
    def unit_of_work(self) -> Iterator[Session]:
        """Give a session whose work is committed at the end, or rolled back on any error.

        Raises:
            DatabaseUnavailable: the server does not answer; after a lost connection the outcome is
                unknown, and repeating a request under the same id is safe.
            DatabaseBusy: a lock, a time-out, or no connection left.

        """
        with self._session(read_only=False) as session:
            yield session
            session.commit()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Give a session that may only read; PostgreSQL refuses it to write.

        Raises:
            DatabaseUnavailable: the server does not answer.
            DatabaseBusy: a time-out, or no connection left.

        """
        with self._session(read_only=True) as session:
            yield session

    @contextmanager
    def reading_filtered(self) -> Iterator[Session]:
        """Give a session as `reading` does, for a query whose conditions the caller chose.

        Raises:
            QueryTooExpensive: the query ran into the time-out; asking again would not help.
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
        """Return a plain session for callers outside; they commit and close it themselves."""
        return session_on(self.store.bind)

    def close(self) -> None:
        """Let the connections go; the in-memory store's rows are gone with them."""
        with self._lock:
            store, self._store = self._store, None
        if store is not None:
            store.close()

    @contextmanager
    def _session(self, *, read_only: bool) -> Iterator[Session]:
        store = self.store
        guarded = _guarded(store, read_only=read_only) if store.availability else nullcontext()
        try:
            with guarded as deadline, transaction(store, deadline, read_only=read_only) as session:
                yield session
        except NotFound as absent:
            spool = self.spool
            if spool and asked(partial(spool.holds, absent.members.values()), unknown=False):
                raise DatabaseUnavailable(_NOT_GIVEN_BACK) from absent
            raise
        except PoolTimeout as failure:
            self.require_available()  # those that wait for a hanging server hold what there is
            raise DatabaseBusy(_NONE_FREE) from failure
        except (DBAPIError, psycopg2.Error) as failure:  # COPY is psycopg2's own
            meaning = to_service_error(failure, is_reading=read_only)
            if meaning is None:
                raise
            raise meaning from failure
        except OSError as failure:
            if shortage := descriptors.shortage(failure):
                raise shortage from failure
            raise


@contextmanager
def _guarded(store: Store, *, read_only: bool) -> Iterator[Deadline]:
    """Let a unit of work begin only while the server is there, and learn from how it ends."""
    availability = store.availability
    assert availability is not None  # noqa: S101 - what it is called for
    availability.require()
    usual = store.statement_timeout_seconds * (1 if read_only else _WRITING_STATEMENTS)
    with deadline_scope(
        usual + _GRACE_SECONDS,
        store.adding_seconds * DOUBT_SHARE,
        availability.suspect,
        lambda: not availability.is_up,
    ) as deadline:
        try:
            yield deadline
        except (DBAPIError, psycopg2.Error) as failure:
            if not is_answer(getattr(failure, "orig", failure)):
                _require_away(availability, failure, deadline, is_reading=read_only)
            elif not read_only and (refusal := write_refusal(failure)):
                availability.refused_write(refusal)
            raise
        if read_only:
            availability.answered()
        else:
            availability.wrote()


def _require_away(
    availability: CircuitBreaker,
    failure: DBAPIError | psycopg2.Error,
    deadline: Deadline,
    *,
    is_reading: bool,
) -> None:
    """Return if the server is away; what merely took too long, or was cut off, is to come again.

    Raises:
        DatabaseBusy: the server answers others, or its probe.

    """
    if not isinstance(to_service_error(failure, is_reading=is_reading), DatabaseUnavailable):
        return
    if not availability.is_away_after_probe():
        raise DatabaseBusy(_SLOW if deadline.is_over else _CUT) from failure
