"""Units of work on whichever store answers: PostgreSQL, or the in-memory one."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, MetaData, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from shared_db.engine import build_engine
from shared_db.errors import ConfigurationError, DatabaseBusy, QueryTooExpensive
from shared_db.failures import as_service_error, is_timeout, misconfiguration
from shared_db.memory import build_memory_engine
from shared_db.roles import Role, role_name
from shared_db.settings import DatabaseSettings

logger = logging.getLogger(__name__)

MEMORY_WARNING = (
    "Rows are kept in memory and are gone when the service stops: {reason}. "
    "For development only; set DATABASE_URL to keep them."
)

_TOO_EXPENSIVE = (
    "The query was given up after DATABASE_STATEMENT_TIMEOUT_SECONDS. Narrow it: a shorter time, "
    "one source, fewer conditions."
)

# One statement, because each costs a round trip; `true` makes it local to the transaction, which
# is all that a pooler in transaction mode leaves us.
_OPEN_QUERY = (
    "SELECT set_config('statement_timeout', :statement, true),"
    " set_config('lock_timeout', :lock, true),"
    " set_config('transaction_read_only', :read_only, true)"
)
_OPEN = text(_OPEN_QUERY)
_OPEN_IN_ROLE = text(f"{_OPEN_QUERY}, set_config('role', :role, true)")


@dataclass(frozen=True)
class Store:
    """An opened store: where sessions get their connections, and what kind it is."""

    bind: Engine | Connection
    statement_timeout_seconds: float = 10
    lock_timeout_seconds: float = 3
    memory_reason: str | None = None
    anchor: Connection | None = None
    role: Role | None = None

    @property
    def is_memory(self) -> bool:
        """Tell whether this is the in-memory store."""
        return self.memory_reason is not None


class Database:
    """The store of one service; it is opened on first use, not when this is made."""

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
        return cls(lambda: _memory_store(metadata, reason))

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
    def searching(self) -> Iterator[Session]:
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
        return self._sessions()()

    def close(self) -> None:
        """Let the connections go; the in-memory store's rows are gone with them."""
        with self._lock:
            store, self._store = self._store, None
        if store is not None:
            if store.anchor is not None:
                store.anchor.close()
            if isinstance(store.bind, Engine):
                store.bind.dispose()

    def _sessions(self) -> sessionmaker[Session]:
        return sessionmaker(
            self.store.bind,
            expire_on_commit=False,
            # On a test's connection the test's transaction stays the outer one.
            join_transaction_mode="create_savepoint",
        )

    @contextmanager
    def _session(self, *, read_only: bool) -> Iterator[Session]:
        store = self.store
        try:
            with self._sessions()() as session:
                session.connection(execution_options={"read_only": read_only})
                if not store.is_memory:
                    _open(session, store, read_only=read_only)
                yield session
        except DBAPIError as failure:
            meaning = as_service_error(failure)
            if meaning is None:
                raise
            raise meaning from failure


def _open(session: Session, store: Store, *, read_only: bool) -> None:
    limits = {
        "statement": f"{store.statement_timeout_seconds * 1000:.0f}",
        "lock": f"{store.lock_timeout_seconds * 1000:.0f}",
        "read_only": "on" if read_only else "off",
    }
    role = store.role.taken_in(session) if store.role else None
    if role is None:
        session.execute(_OPEN, limits)
    else:
        session.execute(_OPEN_IN_ROLE, {**limits, "role": role})


def open_from_settings(
    settings: DatabaseSettings, application_name: str, metadata: MetaData
) -> Store:
    """Open PostgreSQL, or the in-memory store where the settings lead to it.

    An unreachable server is no error in production: the service starts and answers 503 until the
    server is there.

    Raises:
        ConfigurationError: the URL, user, password, database or certificate is wrong.

    """
    if settings.database_url is None:
        return _memory_store(metadata, "DATABASE_URL is not set")
    engine = build_engine(settings, application_name)
    failure = try_connecting(engine, settings.url_variable)
    if failure is not None and settings.serves_from_memory_when_away:
        return _memory_store(metadata, f"the server of {settings.url_variable} does not answer")
    return Store(
        engine,
        statement_timeout_seconds=settings.database_statement_timeout_seconds,
        lock_timeout_seconds=settings.database_lock_timeout_seconds,
        role=_role(settings, metadata.schema or ""),
    )


def _role(settings: DatabaseSettings, schema: str) -> Role:
    return Role(role_name(settings.database_role_prefix, schema), schema)


def try_connecting(engine: Engine, variable: str = "DATABASE_URL") -> DBAPIError | None:
    """Connect once; return the failure if the server cannot be reached or is not ready.

    variable: the setting that named the server, for the message.

    Raises:
        ConfigurationError: the server, or libpq, refuses these settings.

    """
    try:
        engine.connect().close()
    except DBAPIError as failure:
        meaning = misconfiguration(failure)
        if meaning is not None:
            where = f"{engine.url.host or 'local socket'}:{engine.url.port or 5432}"
            raise ConfigurationError(
                f"{variable} does not work: {meaning} ({where}, database "
                f"{engine.url.database}, user {engine.url.username})."
            ) from failure
        return failure
    return None


def _memory_store(metadata: MetaData, reason: str) -> Store:
    logger.warning(MEMORY_WARNING.format(reason=reason))
    engine, anchor = build_memory_engine(metadata)
    return Store(engine, memory_reason=reason, anchor=anchor)
