"""Transaction of a unit of work: opened with its limits and role, watched until its end."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from functools import cache
from typing import Any

from sqlalchemy import Connection, Engine, TextClause, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from shared_db.connection.persons import PersonAccess, taken_person_role
from shared_db.connection.reuse import checkout
from shared_db.connection.store import Store
from shared_db.resilience.deadlines import Deadline, watch

# One statement, because each costs a round trip. `true` makes a setting local to the transaction:
# a pooler in transaction mode allows no other. Compiling the statement of a large batch (JIT) takes
# longer than running it. The database, the role or the environment may have changed the other
# settings, on which the meaning of statements rests.
_OPEN_QUERY = (
    "SELECT set_config('statement_timeout', :statement, true),"
    " set_config('lock_timeout', :lock, true),"
    " set_config('transaction_read_only', :read_only, true),"
    " set_config('jit', 'off', true),"
    " set_config('TimeZone', 'UTC', true),"
    " set_config('DateStyle', 'ISO', true),"
    " set_config('IntervalStyle', 'postgres', true),"
    " set_config('transform_null_equals', 'off', true),"
    " set_config('array_nulls', 'on', true),"
    # Empty for all but persons: the views for persons then have no rows.
    " set_config('veritas.person', :person, true)"
)
_OPEN = text(_OPEN_QUERY)
_OPEN_IN_ROLE = text(f"{_OPEN_QUERY}, set_config('role', :role, true)")

# Share of the remaining time of a unit of work that the server may take for one statement.
_SERVERS_SHARE = 0.9
# Mark of a connection that served a unit of work before; it lasts as long as the connection.
_WAS_USED = "veritas_was_used"


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
    """Yield a session in a transaction that is rolled back unless it was committed.

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
        if not store.is_memory:
            read_only = options["read_only"]
            _open_or_detect_stale(
                session, connection, store, deadline, read_only=read_only, access=access
            )
        yield session


def _open_or_detect_stale(
    session: Session,
    connection: Connection,
    store: Store,
    deadline: Deadline | None,
    *,
    read_only: bool,
    access: PersonAccess | None,
) -> None:
    was_used = _WAS_USED in connection.info
    try:
        _open(session, store, deadline, read_only=read_only, access=access)
    except DBAPIError as failure:
        is_given_up = deadline is not None and deadline.is_over
        if was_used and failure.connection_invalidated and not is_given_up:
            raise _StaleConnection from failure
        raise
    connection.info[_WAS_USED] = True


def _open(
    session: Session,
    store: Store,
    deadline: Deadline | None,
    *,
    read_only: bool,
    access: PersonAccess | None,
) -> None:
    # The server's limit ends before the deadline cuts the connection: it then does no useless work.
    left = deadline.seconds_left * _SERVERS_SHARE if deadline else store.statement_timeout_seconds
    limits = {
        "statement": _milliseconds(min(store.statement_timeout_seconds, left)),
        "lock": _milliseconds(min(store.lock_timeout_seconds, left)),
        "read_only": "on" if read_only else "off",
        "person": access.limit.person_id if access else "",
    }
    role = _role(session, store, access)
    if role is None:
        session.execute(_OPEN, limits)
    elif access is None or access.openings is None:
        session.execute(_OPEN_IN_ROLE, {**limits, "role": role})
    else:
        query = _open_with_openings(access.openings)
        if rows := session.execute(query, {**limits, "role": role}).all():
            access.note_openings(rows)


@cache
def _open_with_openings(openings: str) -> TextClause:
    # In one message with the first statement, as the role that this has taken.
    return text(f"{_OPEN_IN_ROLE}; SELECT student_id, id FROM {openings}")  # noqa: S608 - our own name


def _role(session: Session, store: Store, access: PersonAccess | None) -> str | None:
    if access is not None and not access.is_service:
        return taken_person_role(store, session)
    return store.role.taken_in(session) if store.role else None


def _milliseconds(seconds: float) -> str:
    return str(max(1, round(seconds * 1000)))  # 0 would mean no limit
