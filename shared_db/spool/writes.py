"""Additions: stored in the database, or kept in the spool while it is away."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from typing import Any, Generic, Protocol, TypeVar

from pydantic import TypeAdapter

from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.errors import DatabaseBusy, DatabaseUnavailable, NotFound, Overloaded, ServiceError
from shared_db.ids import new_id
from shared_db.resilience import descriptors
from shared_db.resilience.deadlines import within
from shared_db.spool.file import SpoolFull
from shared_db.spool.queue import Entry, Spool, SpoolUnavailable, asked
from shared_db.writes.idempotent_insert import Outcome

logger = logging.getLogger(__name__)

# How much longer a batch may take than one addition before it is spooled.
_SECONDS_PER_ITEM = 1 / 500


class PendingRow(Protocol):
    """A row as far as it is known without the database."""

    id: Any
    digest: Any
    is_replay: bool
    is_pending: bool


I = TypeVar("I")  # noqa: E741 - an item
R = TypeVar("R", bound=PendingRow)
T = TypeVar("T")
# What became of an item that was given back.
Returned = Outcome | ServiceError


def _of_nobody(_item: Any) -> str | None:
    return None


@dataclass(frozen=True)
class SpoolableType(Generic[I, R]):
    """One kind of addition. Its items are frozen dataclasses of plain values.

    item: has the fields `id`, or the one named in `id_field`, and `accepted_at`.
    row: the row that the item becomes, as far as is known without the database; with its digest.
    differs: the refusal of an id that is kept with other content.
    give: stores items by the manager's own methods and tells what became of each, in order.
    subject: the student whom the item is about.
    is_ordered: it must not overtake what waits of the same student.
    """

    name: str
    item: type[I]
    row: Callable[[I, datetime], R]
    differs: Callable[[str], ServiceError]
    give: Callable[[Any, Sequence[I]], Sequence[Returned]]
    subject: Callable[[I], str | None] = _of_nobody
    is_ordered: bool = True
    id_field: str = "id"

    @cached_property
    def _json(self) -> TypeAdapter[I]:
        return TypeAdapter(self.item)

    def accepted(self, item: I, now: datetime) -> I:
        """Return the item with its id and the instant of acceptance, which stay from here on."""
        id_ = getattr(item, self.id_field) or new_id()
        at = getattr(item, "accepted_at") or now  # noqa: B009 - I is any dataclass
        # Past the constructor of a frozen dataclass, which takes as long as all else that is done
        # to an item of a batch.
        accepted = object.__new__(self.item)
        vars(accepted).update(vars(item), **{self.id_field: id_, "accepted_at": at})
        return accepted

    def entry(self, item: I) -> Entry:
        """Return what is kept of an accepted item."""
        at: datetime = getattr(item, "accepted_at")  # noqa: B009 - likewise
        row = self.row(item, at)
        payload = self._json.dump_json(item).decode()
        return Entry(self.name, row.id, self.subject(item), payload, row.digest, at)

    def from_json(self, payload: str) -> I:
        """Return the item that was written as JSON.

        Raises:
            ValidationError: it is no item of this kind.

        """
        return self._json.validate_json(payload)

    def pending(self, entry: Entry, *, is_replay: bool = False) -> R:
        """Return the row of what was kept, marked as not in the database yet."""
        row = self.row(self.from_json(entry.payload), entry.accepted_at)
        row.is_pending = True
        row.is_replay = is_replay
        return row


class StorageNote:
    """What is told of a request's storage: whether its answer rests on the spool."""

    is_spool = False


storage_note: ContextVar[StorageNote | None] = ContextVar("veritas_storage", default=None)


def answers_from_spool() -> bool:
    """Tell whether the answer to the request at hand rests on the spool."""
    note = storage_note.get()
    return note is not None and note.is_spool


def one_by_one(add: Callable[[Any, I], PendingRow]) -> Callable[[Any, Sequence[I]], list[Returned]]:
    """Return a `Kind.give` from a manager's method that stores one item."""
    return lambda manager, items: outcome_per_item(items, partial(add, manager))


def outcome_per_item(items: Sequence[I], add: Callable[[I], PendingRow]) -> list[Returned]:
    """Return what became of each item: stored, repeated, or refused before it changed anything.

    Raises:
        DatabaseUnavailable: the database is away.
        DatabaseBusy: it has no time now.
        Overloaded: no thread is left here.

    """

    def outcome_of(item: I) -> Returned:
        try:
            return Outcome.REPEATED if add(item).is_replay else Outcome.STORED
        except (DatabaseUnavailable, DatabaseBusy, Overloaded):
            raise
        except ServiceError as refusal:
            return refusal

    return [outcome_of(item) for item in items]


@contextmanager
def write_deadline(database: Database) -> Iterator[None]:
    """Keep to what an addition may take, where it is spooled otherwise."""
    with within(database.store.adding_seconds) if database.spool else nullcontext():
        yield


def insert_or_spool(
    database: Database, kind: SpoolableType[I, R], item: I, store: Callable[[I], R]
) -> R:
    """Store one item, or accept it into the spool when the database is away.

    Raises:
        DatabaseUnavailable: it is away, and nothing is spooled or can be.
        ServiceError: what `store` raises, or `kind.differs` of an id that is kept already.

    """
    spool = database.spool
    if spool is None:
        return store(item)
    accepted = kind.accepted(item, utc_now())
    if _must_wait(spool, kind, [accepted]):
        return _one_spooled(spool, kind, accepted, None)
    try:
        with within(database.store.adding_seconds):
            return _noted(spool, kind, store(accepted))
    except DatabaseUnavailable as failure:
        return _one_spooled(spool, kind, accepted, failure)


async def insert_or_spool_async(
    database: Database, kind: SpoolableType[I, R], item: I, store: Callable[[I], Awaitable[R]]
) -> R:
    """Do what `insert_or_spool` does, for a kind that is not ordered.

    `store` keeps to `Store.adding_seconds` itself, wherever it writes.
    """
    spool = database.spool
    if spool is None:
        return await store(item)
    accepted = kind.accepted(item, utc_now())
    try:
        database.require_available()
        return _noted(spool, kind, await store(accepted))
    except DatabaseUnavailable as failure:
        # In a thread, because the disk takes its time; it knows this request's context.
        return await asyncio.to_thread(_one_spooled, spool, kind, accepted, failure)


def insert_many_or_spool(
    database: Database,
    kind: SpoolableType[I, R],
    items: Sequence[I],
    store: Callable[[Sequence[I]], T],
    answer: Callable[[Sequence[tuple[R, Outcome]]], T],
) -> T:
    """Store many items as `insert_or_spool` does; all of them wait when one has to.

    answer: what `store` would return, made from pending rows and their outcomes in order.
    """
    spool = database.spool
    if spool is None:
        return store(items)
    now = utc_now()
    accepted = [kind.accepted(item, now) for item in items]
    failure: DatabaseUnavailable | None = None
    if not _must_wait(spool, kind, accepted):
        seconds = database.store.adding_seconds + len(items) * _SECONDS_PER_ITEM
        try:
            with within(seconds):
                return store(accepted)
        except DatabaseUnavailable as away:
            failure = away
    kept = _spooled(spool, kind, accepted, failure)
    return answer([(kind.pending(entry), outcome) for outcome, entry in kept])


def get_or_spooled(
    database: Database, kind: SpoolableType[I, R], id_: str, read: Callable[[], R]
) -> R:
    """Return what `read` finds in the database, else what waits in the spool under that id.

    Raises:
        ServiceError: what `read` raises, when nothing of that id waits.

    """
    try:
        return read()
    except (DatabaseUnavailable, NotFound):
        spool = database.spool
        entry = asked(partial(spool.find, kind.name, id_), None) if spool else None
        if entry is None:
            raise
        _note_spool()
        return kind.pending(entry)


def _noted(spool: Spool, kind: SpoolableType[I, R], row: R) -> R:
    if not row.is_replay:
        spool.kinds_stored.add(kind.name)
    return row


def _must_wait(spool: Spool, kind: SpoolableType[I, R], items: Sequence[I]) -> bool:
    if not kind.is_ordered:
        return False
    if len(items) == 1:
        [item] = items
        id_, subject = getattr(item, kind.id_field), kind.subject(item)
        return asked(partial(spool.waits_before, kind.name, id_, subject), unknown=False)
    subjects = {subject for item in items if (subject := kind.subject(item)) is not None}
    return asked(partial(spool.any_waiting, subjects), unknown=False)


def _one_spooled(
    spool: Spool, kind: SpoolableType[I, R], item: I, failure: DatabaseUnavailable | None
) -> R:
    [(outcome, entry)] = _spooled(spool, kind, [item], failure)
    if outcome is Outcome.CONFLICT:
        raise kind.differs(entry.id)
    return kind.pending(entry, is_replay=outcome is Outcome.REPEATED)


def _spooled(
    spool: Spool, kind: SpoolableType[I, R], items: Sequence[I], failure: DatabaseUnavailable | None
) -> list[tuple[Outcome, Entry]]:
    try:
        kept = spool.accept([kind.entry(item) for item in items])
    except SpoolUnavailable as unwritable:
        if shortage := descriptors.shortage(unwritable.__cause__):
            raise shortage from unwritable
        reason = "is full" if isinstance(unwritable, SpoolFull) else "cannot be written"
        spool.report(unwritable)
        detail = f"The database does not answer, and the spool {reason}. Try again later."
        raise DatabaseUnavailable(detail) from (failure or unwritable)
    spool.report(None)
    _note_spool()
    return kept


def _note_spool() -> None:
    note = storage_note.get()
    if note is not None:
        note.is_spool = True
