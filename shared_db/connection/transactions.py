"""The transaction of a unit of work: opened with its limits and role, watched to its very end."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from shared_db.connection.reuse import connected
from shared_db.connection.store import Store
from shared_db.resilience.deadlines import Deadline, watched

# One statement, because each costs a round trip; `true` makes it local to the transaction, which
# is all that a pooler in transaction mode leaves us. Compiling the statement of a large batch
# (JIT) takes longer than the statement. The rest are settings that the database, the role or the
# environment may have changed, and on which the meaning of a statement rests.
_OPEN_QUERY = (
    "SELECT set_config('statement_timeout', :statement, true),"
    " set_config('lock_timeout', :lock, true),"
    " set_config('transaction_read_only', :read_only, true),"
    " set_config('jit', 'off', true),"
    " set_config('TimeZone', 'UTC', true),"
    " set_config('DateStyle', 'ISO', true),"
    " set_config('IntervalStyle', 'postgres', true),"
    " set_config('transform_null_equals', 'off', true),"
    " set_config('array_nulls', 'on', true)"
)
_OPEN = text(_OPEN_QUERY)
_OPEN_IN_ROLE = text(f"{_OPEN_QUERY}, set_config('role', :role, true)")

# Of the time that a unit of work has left, what the server may take for one statement.
_SERVERS_SHARE = 0.9
# Marks a connection that served a unit of work before; it lasts as long as the connection.
_WAS_USED = "veritas_was_used"


class _EndedMeanwhile(Exception):
    """The connection was ended since it was last used; nothing was asked on it since."""


def session_on(bind: Engine | Connection) -> Session:
    """Return a session as all of ours are."""
    return Session(
        bind,
        expire_on_commit=False,
        # On a test's connection the test's transaction stays the outer one.
        join_transaction_mode="create_savepoint",
    )


@contextmanager
def transaction(store: Store, deadline: Deadline | None, *, read_only: bool) -> Iterator[Session]:
    """Give a session in a transaction that is rolled back unless it was committed.

    A connection of a pool, or a kept one, may have been ended since it was last used, by an
    administrator or a pooler that was restarted: then a fresh one is tried, once.
    """
    with ExitStack() as stack:
        try:
            session = stack.enter_context(_begun(store, deadline, read_only=read_only))
        except _EndedMeanwhile:
            session = stack.enter_context(_begun(store, deadline, read_only=read_only))
        yield session


@contextmanager
def _begun(store: Store, deadline: Deadline | None, *, read_only: bool) -> Iterator[Session]:
    # The session is closed first: its ROLLBACK is a question to the server, too. The connection
    # comes last, so that what is shut in the end is not another's already.
    with (
        connected(store.bind) as connection,
        watched(connection, deadline) if deadline else nullcontext(),
        session_on(connection) as session,
    ):
        session.connection(execution_options={"read_only": read_only})
        if not store.is_memory:
            _open_or_tell(session, connection, store, deadline, read_only=read_only)
        yield session


def _open_or_tell(
    session: Session,
    connection: Connection,
    store: Store,
    deadline: Deadline | None,
    *,
    read_only: bool,
) -> None:
    was_used = _WAS_USED in connection.info
    try:
        _open(session, store, deadline, read_only=read_only)
    except DBAPIError as failure:
        is_given_up = deadline is not None and deadline.is_over
        if was_used and failure.connection_invalidated and not is_given_up:
            raise _EndedMeanwhile from failure
        raise
    connection.info[_WAS_USED] = True


def _open(session: Session, store: Store, deadline: Deadline | None, *, read_only: bool) -> None:
    # The server gives up before we would cut the connection: it then does no work in vain.
    left = deadline.seconds_left * _SERVERS_SHARE if deadline else store.statement_timeout_seconds
    limits = {
        "statement": _milliseconds(min(store.statement_timeout_seconds, left)),
        "lock": _milliseconds(min(store.lock_timeout_seconds, left)),
        "read_only": "on" if read_only else "off",
    }
    role = store.role.taken_in(session) if store.role else None
    if role is None:
        session.execute(_OPEN, limits)
    else:
        session.execute(_OPEN_IN_ROLE, {**limits, "role": role})


def _milliseconds(seconds: float) -> str:
    return str(max(1, round(seconds * 1000)))  # 0 would mean no limit
