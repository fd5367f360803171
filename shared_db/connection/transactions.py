"""Transaction of a unit of work: opened with its limits and role, watched until its end."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from functools import cache
from typing import Any, TypeGuard

from sqlalchemy import Connection, Engine, TextClause, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from shared_db.connection.deferred_opening import DeferringConnection
from shared_db.connection.persons import PersonAccess, taken_person_role
from shared_db.connection.reuse import checkout
from shared_db.connection.store import Store
from shared_db.resilience.deadlines import Deadline, watch

# They are set for the transaction: a pooler in transaction mode allows no other. Compiling the
# statement of a large batch (JIT) takes longer than running it. The database, the role or the
# environment may have changed the other settings, on which the meaning of statements rests.
_SETTINGS = {
    "jit": "off",
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "transform_null_equals": "off",
    "array_nulls": "on",
}

# Statements of a person join their students again and again: each time, a parallel part of the plan
# would start its workers anew, 20 ms for a dozen rows.
_OF_PERSONS = {"max_parallel_workers_per_gather": "0"}

# Share of the remaining time of a unit of work that the server may take for one statement.
_SERVERS_SHARE = 0.9
# Time at which a connection served its latest unit of work; it lasts as long as the connection.
_USED_AT = "veritas_used_at"
# A connection without use for so long may have been closed without a sign on this machine.
_REST_SECONDS = 1.0


class _StaleConnection(Exception):
    """The connection was closed since its last use, before this unit of work ran a statement."""


def new_session(bind: Engine | Connection) -> Session:
    """Return a session with the options that all sessions of this package have."""
    return Session(
        bind,
        expire_on_commit=False,
        # On a test's connection the test's transaction stays the outer one.
        join_transaction_mode="create_savepoint",
    )


@contextmanager
def begin_transaction(
    store: Store,
    deadline: Deadline | None,
    *,
    read_only: bool,
    access: PersonAccess | None = None,
    is_snapshot: bool = False,
) -> Iterator[Session]:
    """Yield a session whose transactions are rolled back unless they were committed.

    A pooled or reused connection may be stale: an administrator or the restart of a pooler closed
    it. Then a fresh one is tried, once. access: that of a person, None for all rows. is_snapshot:
    all statements read the same state.
    """
    options: dict[str, Any] = {"read_only": read_only}
    # A test's connection has a transaction already, which cannot change its level.
    if is_snapshot and not store.is_memory and isinstance(store.bind, Engine):
        options["isolation_level"] = "REPEATABLE READ"
    with ExitStack() as stack:
        try:
            session = stack.enter_context(_attempt(store, deadline, options, access))
        except _StaleConnection:
            session = stack.enter_context(_attempt(store, deadline, options, access))
        yield session


@contextmanager
def _attempt(
    store: Store, deadline: Deadline | None, options: dict[str, Any], access: PersonAccess | None
) -> Iterator[Session]:
    # The session is closed first: its ROLLBACK, too, waits for the server. The connection is
    # released last, so that the watch never shuts a connection that serves another unit of work.
    with (
        checkout(store.bind) as connection,
        ExitStack() as stack,
        watch(connection, deadline) if deadline else nullcontext(),
        new_session(connection) as session,
    ):
        if access is not None and not access.is_service:
            options = {**options, "schema_translate_map": access.schemas}
            stack.callback(connection.execution_options, schema_translate_map=None)
        session.connection(execution_options=options)
        if store.is_memory:
            yield session
            return
        _open_or_detect_stale(session, connection, store, deadline, options, access)
        try:
            yield session
        finally:
            if not connection.invalidated:
                connection.info[_USED_AT] = time.monotonic()


def _open_or_detect_stale(
    session: Session,
    connection: Connection,
    store: Store,
    deadline: Deadline | None,
    options: dict[str, Any],
    access: PersonAccess | None,
) -> None:
    was_used = _USED_AT in connection.info
    driver = connection.connection.dbapi_connection
    try:
        role = _role(session, store, access)
        settings = _settings(store, deadline, role, access, read_only=options["read_only"])
        if _can_defer(driver, connection, options):
            driver.defer(settings, is_single=options["read_only"])
        else:
            session.execute(*_statement(settings))
        if access is not None and access.openings is not None:
            access.note_openings(session.execute(_opened_students(access.openings)).all())
    except DBAPIError as failure:
        is_given_up = deadline is not None and deadline.is_over
        if was_used and failure.connection_invalidated and not is_given_up:
            raise _StaleConnection from failure
        raise


def _can_defer(
    driver: object, connection: Connection, options: dict[str, Any]
) -> TypeGuard[DeferringConnection]:
    """Return False if the opening must be a message of its own, which shows a stale connection.

    A snapshot, too, is opened so: its server-side cursors need psycopg2's own transaction.
    """
    if not isinstance(driver, DeferringConnection) or "isolation_level" in options:
        return False
    used_at = connection.info.get(_USED_AT)
    if used_at is not None and time.monotonic() - used_at > _REST_SECONDS:
        return False
    return driver.can_defer


def _statement(settings: dict[str, str]) -> tuple[TextClause, dict[str, str]]:
    values = {f"value_{number}": value for number, value in enumerate(settings.values())}
    calls = (
        f"set_config('{name}', :{key}, true)" for name, key in zip(settings, values, strict=True)
    )
    return text(f"SELECT {', '.join(calls)}"), values


@cache
def _opened_students(openings: str) -> TextClause:
    return text(f"SELECT student_id, id FROM {openings}")  # noqa: S608 - our own name


def _settings(
    store: Store,
    deadline: Deadline | None,
    role: str | None,
    access: PersonAccess | None,
    *,
    read_only: bool,
) -> dict[str, str]:
    # The server's limit ends before the deadline cuts the connection: it then does no useless work.
    left = deadline.seconds_left * _SERVERS_SHARE if deadline else store.statement_timeout_seconds
    settings = {
        "statement_timeout": _milliseconds(min(store.statement_timeout_seconds, left)),
        "lock_timeout": _milliseconds(min(store.lock_timeout_seconds, left)),
        # A write keeps the default: a server that takes no writes then refuses the first of them.
        **({"transaction_read_only": "on"} if read_only else {}),
        **_SETTINGS,
        **(_OF_PERSONS if access else {}),
        # Empty for all but persons: the views for persons then have no rows.
        "veritas.person": access.limit.person_id if access else "",
    }
    return settings if role is None else {**settings, "role": role}


def _role(session: Session, store: Store, access: PersonAccess | None) -> str | None:
    if access is not None and not access.is_service:
        return taken_person_role(store, session)
    return store.role.taken_in(session) if store.role else None


def _milliseconds(seconds: float) -> str:
    return str(max(1, round(seconds * 1000)))  # 0 would mean no limit
