"""Turn to delete by age: one process of a service at a time, and the others skip theirs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from shared_db.connection.database import Database
from shared_db.resilience.error_classification import to_service_error

# The lock of a transaction also holds behind a pooler, which shares connections between sessions.
# This transaction lasts as long as the work; between its statements it has no snapshot, so VACUUM
# does not wait for it.
_TRY = text(
    "SELECT set_config('idle_in_transaction_session_timeout', '0', true),"
    " pg_try_advisory_xact_lock(hashtext(:name))"
)

_locks: WeakKeyDictionary[Database, threading.Lock] = WeakKeyDictionary()
_guard = threading.Lock()


@contextmanager
def turn(database: Database, name: str) -> Iterator[bool]:
    """Yield True if this is the only one at the work of that name, else False.

    A process that ends, or loses its connection, loses its turn.

    Raises:
        DatabaseUnavailable: the server does not answer.
        DatabaseBusy: it has no connection left.

    """
    bind = database.store.bind
    with _guard:
        lock = _locks.setdefault(database, threading.Lock())
    if not lock.acquire(blocking=False):
        yield False
        return
    try:
        if database.use_fallback or not isinstance(bind, Engine):
            yield True
            return
        database.require_available()
        try:
            connection = bind.connect()
        except DBAPIError as failure:
            refusal = to_service_error(failure, is_reading=True)
            if refusal is None:
                raise
            raise refusal from failure
        try:
            yield bool(connection.execute(_TRY, {"name": name}).one()[1])
        finally:
            connection.close()
    finally:
        lock.release()
