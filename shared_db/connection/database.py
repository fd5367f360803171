"""Database of a service: units of work on PostgreSQL or on the in-memory store."""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Unpack

import psycopg2
from sqlalchemy import Connection, Engine, MetaData, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from shared_db.connection.guard import guarded_by_breaker
from shared_db.connection.persons import (
    OutOfSight,
    may_lack_role,
    not_for_persons,
    person_access,
    refusal_of_person,
    require_person_role,
    taken_person_role,
)
from shared_db.connection.store import (
    Check,
    Store,
    StoreOptions,
    memory_store,
    open_from_settings,
    store_on,
)
from shared_db.connection.transactions import begin_transaction, new_session
from shared_db.errors import DatabaseBusy, QueryTooExpensive, ServiceError
from shared_db.resilience import descriptors
from shared_db.resilience.error_classification import is_timeout, to_service_error
from shared_db.row_limits import RowLimit, row_limit, rows_limited_to
from shared_db.settings import DatabaseSettings

_TOO_EXPENSIVE = (
    "The query was given up after DATABASE_STATEMENT_TIMEOUT_SECONDS. Narrow it: a shorter time, "
    "one source, fewer conditions."
)

_NONE_FREE = "The request was given up: all connections of this process are in use. Try again."

_COMMIT_WITHOUT_WAITING = text("SET LOCAL synchronous_commit = off")


class Database:
    """Database of one service; its store is opened on first use."""

    def __init__(self, open_store: Callable[[], Store]) -> None:
        self._open_store = open_store
        self._store: Store | None = None
        self._lock = threading.Lock()
        self._out_of_sight: OutOfSight | None = None
        self._openings: str | None = None

    @classmethod
    def from_settings(
        cls,
        application_name: str,
        metadata: MetaData,
        settings: DatabaseSettings | Callable[[], DatabaseSettings] = DatabaseSettings.load,
        *,
        person_schemas: Sequence[str] | None = None,
    ) -> "Database":
        """Return the database of the settings; a loader is called when the store is opened.

        person_schemas: as in `Store`.
        """

        def open_store() -> Store:
            chosen = settings if isinstance(settings, DatabaseSettings) else settings()
            return open_from_settings(chosen, application_name, metadata, person_schemas)

        return cls(open_store)

    @classmethod
    def for_bind(cls, bind: Engine | Connection, **options: Unpack[StoreOptions]) -> "Database":
        """Return a database on an existing engine or connection."""
        store = store_on(bind, **options)
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

    def use_sight(self, out_of_sight: OutOfSight, openings: str | None = None) -> None:
        """Check the students of writes of persons by this function.

        openings: as in `person_access`.
        """
        self._out_of_sight, self._openings = out_of_sight, openings

    def require_row_limits(self) -> None:
        """Return if rows can be limited to those of a person; asks the server until they can.

        Raises:
            RowLimitsUnavailable: they cannot, so that no request of such a person can be answered.
            DatabaseUnavailable: the server does not answer.
            DatabaseBusy: it has no connection left.

        """
        role = self.store.person_role
        if role is not None and role.is_taken:
            return
        with rows_limited_to(RowLimit("")):
            if person_access(self.store, names_students=False) is not None:
                with self.reading():
                    pass

    @contextmanager
    def unit_of_work(
        self, *, wait_for_disk: bool = True, of: Collection[str] | None = None
    ) -> Iterator[Session]:
        """Yield a session; its work is committed at the end, or rolled back on any error.

        of: ids of the students whose rows are written. In the request of a person with limited
        sight they must be in it, and without `of` nothing can be written.

        wait_for_disk: False for the batches of an import that can be repeated. Their commits do not
        wait for the disk: a crash of the server may lose the latest ones, each as a whole, and the
        next run stores them. The last unit of work of the import must wait, which puts all earlier
        commits on the disk, too.

        Raises:
            DatabaseUnavailable: the server does not answer; after a lost connection the outcome is
                unknown, and repeating a request under the same id is safe.
            DatabaseBusy: a lock, a time-out, or no connection left.
            NotForPersons: the request is that of a person with limited sight, without `of`.
            RowLimitsUnavailable: as `require_row_limits`.
            ServiceError: the service's refusal of a student out of sight, as of an absent one.

        """
        with self._session(read_only=False, names_students=bool(of)) as session:
            for refusal in self._refusals(session, of or ()).values():
                raise refusal
            if not wait_for_disk and not self.store.is_memory:
                session.execute(_COMMIT_WITHOUT_WAITING)
            yield session
            session.commit()

    @contextmanager
    def unit_of_work_of_each(
        self, student_ids: Collection[str]
    ) -> Iterator[tuple[Session, Mapping[str, ServiceError]]]:
        """Yield a session as `unit_of_work` does, and the refusal of each student out of sight.

        The caller writes no row of those. Without a limit of rows there are none.

        Raises:
            ServiceError: as `unit_of_work`, except for students out of sight.

        """
        with self._session(read_only=False, names_students=bool(student_ids)) as session:
            yield session, self._refusals(session, student_ids)
            session.commit()

    def _refusals(
        self, session: Session, student_ids: Collection[str]
    ) -> Mapping[str, ServiceError]:
        if not student_ids or person_access(self.store, names_students=True) is None:
            return {}
        if self._out_of_sight is None:
            raise not_for_persons()
        taken_person_role(self.store, session)
        return self._out_of_sight(session, student_ids)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yield a session for reading; each statement is a READ ONLY transaction of its own.

        Raises:
            DatabaseUnavailable: the server does not answer.
            DatabaseBusy: a time-out, or no connection left.

        """
        with self._session(read_only=True) as session:
            yield session

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """Yield a session for reading in one transaction; all statements see one state of the rows.

        It may last six times as long as a statement.
        """
        with self._session(read_only=True, is_snapshot=True) as session:
            yield session

    @contextmanager
    def reading_filtered(self, *, is_snapshot: bool = False) -> Iterator[Session]:
        """Yield a session as `reading` or `snapshot`, for a query with conditions of the caller.

        Raises:
            QueryTooExpensive: the query ran into the time-out; repeating it would not help.
            ServiceError: as `reading`.

        """
        try:
            with self.snapshot() if is_snapshot else self.reading() as session:
                yield session
        except DatabaseBusy as busy:
            if not is_timeout(busy.__cause__):
                raise
            raise QueryTooExpensive(_TOO_EXPENSIVE) from busy

    def get_session(self) -> Session:
        """Return a plain session; the caller commits and closes it.

        Raises:
            NotForPersons: the request is that of a person with limited sight.

        """
        if row_limit() is not None:
            raise not_for_persons()
        return new_session(self.store.bind)

    def close(self) -> None:
        """Close the connections; an in-memory store loses its rows with them."""
        with self._lock:
            store, self._store = self._store, None
        if store is not None:
            store.close()

    @contextmanager
    def _session(
        self, *, read_only: bool, names_students: bool = False, is_snapshot: bool = False
    ) -> Iterator[Session]:
        store = self.store
        access = person_access(store, names_students=names_students, openings=self._openings)
        guarded = (
            guarded_by_breaker(store, read_only=read_only, is_snapshot=is_snapshot)
            if store.breaker
            else nullcontext()
        )
        try:
            with (
                guarded as deadline,
                begin_transaction(
                    store, deadline, read_only=read_only, access=access, is_snapshot=is_snapshot
                ) as session,
            ):
                yield session
        except PoolTimeout as failure:
            self.require_available()  # a hanging server holds all connections: report that instead
            raise DatabaseBusy(_NONE_FREE) from failure
        except (DBAPIError, psycopg2.Error) as failure:  # COPY raises psycopg2's own
            is_person = access is not None and not access.is_service
            if is_person and may_lack_role(failure):
                with rows_limited_to(None), self.reading() as asking:
                    require_person_role(store, asking)
            not_allowed = refusal_of_person(failure) if is_person else None
            refusal = not_allowed or to_service_error(failure, is_reading=read_only)
            if refusal is None:
                raise
            raise refusal from failure
        except OSError as failure:
            if shortage := descriptors.shortage(failure):
                raise shortage from failure
            raise
