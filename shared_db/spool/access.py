"""Access of a manager's repositories to the spool of their service."""

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar

from shared_db.background_work.state_log import StateLog
from shared_db.errors import DatabaseUnavailable
from shared_db.replaying import is_replaying
from shared_db.resilience import descriptors
from shared_db.results import InsertResult, Outcome
from shared_db.row_limits import row_limit
from shared_db.spool.file import Entry, SpoolFull, SpoolUnavailable
from shared_db.spool.queue import Spool
from shared_db.spool.spoolable import I, R, SpoolableType

T = TypeVar("T")

_reads = StateLog(
    logging.getLogger(__name__), "the spool cannot be read", "the spool can be read again"
)


def best_effort(read: Callable[[], T], unknown: T) -> T:
    """Return the result of a read of a spool, or `unknown` if its file cannot be used.

    A service answers by its database then; the log has one line about it.
    """
    try:
        found = read()
    except SpoolUnavailable as failure:
        _reads.report(failure)
        return unknown
    _reads.report(None)
    return found


class SpoolAccess:
    """Access to the spool of a service; without a spool until the service attaches one.

    failure: the reason why a service that should have a spool has none; rows may wait in its file.
    on_use: called when an answer depends on the spool.
    """

    def __init__(self) -> None:
        self._spool: Spool | None = None
        self.failure: str | None = None
        self.on_use: Callable[[], None] = lambda: None

    @property
    def spool(self) -> Spool | None:
        """The spool; None if there is none, and for a row that is replayed: it is in it already.

        None, too, in the request of a person with limited sight: a waiting row may be of any
        student, and a row of theirs is not accepted before their sight is known.
        """
        return None if is_replaying() or row_limit() is not None else self._spool

    def attach(self, spool: Spool) -> None:
        """Use the spool from now on: it accepts rows while the database is away."""
        self._spool = spool

    def holds(self, ids: Iterable[object]) -> bool:
        """Return True if a row waits that has one of these ids, or one of them as its subject."""
        spool = self.spool
        return spool is not None and best_effort(partial(spool.holds, ids), unknown=False)

    def must_wait(self, type_: SpoolableType[I, Any], items: Sequence[I]) -> bool:
        """Return True if a row waits that must be inserted before one of these items."""
        spool = self.spool
        if spool is None or not type_.is_ordered:
            return False
        if len(items) == 1:
            [item] = items
            id_, subject = type_.id_of(item) or "", type_.subject(item)
            read = partial(spool.waits_before, type_.name, id_, subject)
            return best_effort(read, unknown=False)
        subjects = {subject for item in items if (subject := type_.subject(item)) is not None}
        return best_effort(partial(spool.any_waiting, subjects), unknown=False)

    def accept(
        self,
        type_: SpoolableType[I, Any],
        items: Sequence[I],
        failure: DatabaseUnavailable | None = None,
    ) -> list[InsertResult]:
        """Append stamped items to the spool and return their results, in order.

        failure: the outage of the database; None if the items wait for earlier rows.

        Raises:
            DatabaseUnavailable: the spool is full or cannot be written.
            Overloaded: no file descriptor is left.

        """
        kept = self._append(type_, items, failure)
        return [InsertResult(entry.id, outcome) for outcome, entry in kept]

    def accept_one(
        self, type_: SpoolableType[I, R], item: I, failure: DatabaseUnavailable | None = None
    ) -> R:
        """Append one stamped item to the spool and return its row, marked as pending.

        Raises:
            ServiceError: as `accept`, and the conflict of an id that waits with other content.

        """
        [(outcome, entry)] = self._append(type_, [item], failure)
        if outcome is Outcome.CONFLICT:
            raise type_.conflict(entry.id)
        return type_.pending(entry, is_replay=outcome is Outcome.REPEATED)

    def find(self, type_: SpoolableType[Any, R], id_: str) -> R | None:
        """Return the waiting row of that id, None if there is none."""
        spool = self.spool
        entry = best_effort(partial(spool.find, type_.name, id_), None) if spool else None
        if entry is None:
            return None
        self.on_use()
        return type_.pending(entry)

    def record_stored(self, type_: SpoolableType[Any, Any]) -> None:
        """Record that the database took a row of this type past the spool, see `is_exhausted`."""
        if self._spool is not None:
            self._spool.types_stored.add(type_.name)

    def _append(
        self, type_: SpoolableType[I, Any], items: Sequence[I], failure: DatabaseUnavailable | None
    ) -> list[tuple[Outcome, Entry]]:
        spool = self.spool
        assert spool is not None  # noqa: S101 - callers check first
        try:
            kept = spool.append([type_.entry(item) for item in items])
        except SpoolUnavailable as unwritable:
            if shortage := descriptors.shortage(unwritable.__cause__):
                raise shortage from unwritable
            reason = "is full" if isinstance(unwritable, SpoolFull) else "cannot be written"
            spool.report(unwritable)
            detail = f"The database does not answer, and the spool {reason}. Try again later."
            raise DatabaseUnavailable(detail) from (failure or unwritable)
        spool.report(None)
        self.on_use()
        return kept
