"""Guard of a unit of work: its deadline, and the record of its outcome in the circuit breaker."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from sqlalchemy.exc import DBAPIError

from shared_db.connection.store import SUSPECT_SHARE, Store
from shared_db.errors import DatabaseBusy, DatabaseUnavailable
from shared_db.resilience.circuit_breaker import CircuitBreaker
from shared_db.resilience.deadlines import Deadline, deadline_scope
from shared_db.resilience.error_classification import (
    is_answer,
    to_service_error,
    write_refusal,
)

_SLOW = "The database answers, but too slowly. Try again in a moment."
_CUT = "The connection to the database was lost, and it answers again. Try again."

# Time that a client waits beyond the time-outs that the server enforces.
_GRACE_SECONDS = 0.5
# A unit of work that writes has several statements, each with its own time-out.
_WRITING_STATEMENTS = 3
# A snapshot reads many pages, each a statement of its own.
_SNAPSHOT_STATEMENTS = 6


@contextmanager
def guarded_by_breaker(
    store: Store, *, read_only: bool, is_snapshot: bool = False
) -> Iterator[Deadline]:
    """Yield the deadline of a unit of work while the breaker is closed; record its outcome."""
    breaker = store.breaker
    assert breaker is not None  # noqa: S101 - only called with a breaker
    breaker.check()
    statements = 1 if read_only else _WRITING_STATEMENTS
    usual = store.statement_timeout_seconds * (_SNAPSHOT_STATEMENTS if is_snapshot else statements)
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
        if not read_only:
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
