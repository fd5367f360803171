"""Types of rows that can be spooled while the database is away."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar

from pydantic import TypeAdapter

from shared_db.columns import Row
from shared_db.errors import DatabaseBusy, DatabaseUnavailable, Overloaded, ServiceError
from shared_db.ids import new_id
from shared_db.results import InsertResult, Outcome, refused
from shared_db.spool.file import Entry


class SpoolableRow(Protocol):
    """Row of a spoolable type: an `IdempotentRow`, or one whose digest can be null."""

    id: Any
    is_replay: bool
    is_pending: bool


I = TypeVar("I")  # noqa: E741 - an item
R = TypeVar("R", bound=SpoolableRow)


def _no_subject(_item: Any) -> str | None:
    return None


@dataclass(frozen=True)
class SpoolableType(Generic[I, R]):
    """A type of row that can be spooled. Its items are dataclasses of plain values.

    name: stored in the spool file. item: has the fields `id`, or the one named in `id_field`, and
    `accepted_at`. model: mapped class of the row. values: the row of an item, as far as it is known
    without the database, with id and digest. conflict: the refusal of an id with other content.
    replay: inserts items by the manager's own methods and returns their results, in order.
    subject: the student that the item belongs to. is_ordered: the item must not overtake earlier
    rows of its student.
    """

    name: str
    item: type[I]
    model: type[R]
    values: Callable[[I, datetime], Row]
    conflict: Callable[[str], ServiceError]
    replay: Callable[[Any, Sequence[I]], Sequence[InsertResult]]
    subject: Callable[[I], str | None] = _no_subject
    is_ordered: bool = True
    id_field: str = "id"

    @cached_property
    def _json(self) -> TypeAdapter[I]:
        return TypeAdapter(self.item)

    def id_of(self, item: I) -> str | None:
        """Return the id that the client chose for the item."""
        id_: str | None = getattr(item, self.id_field)
        return id_

    def stamped(self, item: I, now: datetime) -> I:
        """Return the item with its id and the instant of acceptance, which then never change."""
        id_ = self.id_of(item) or new_id()
        at = getattr(item, "accepted_at") or now  # noqa: B009 - I is any dataclass
        # Without the constructor of a frozen dataclass, which takes as long as everything else for
        # an item of a batch.
        stamped = object.__new__(self.item)
        vars(stamped).update(vars(item), **{self.id_field: id_, "accepted_at": at})
        return stamped

    def entry(self, item: I) -> Entry:
        """Return the entry of a stamped item in the spool."""
        at: datetime = getattr(item, "accepted_at")  # noqa: B009 - I is any dataclass
        row = self.values(item, at)
        payload = self._json.dump_json(item).decode()
        return Entry(self.name, row["id"], self.subject(item), payload, row["digest"], at)

    def from_json(self, payload: str) -> I:
        """Return the item that was written as JSON.

        Raises:
            ValidationError: it is no item of this type.

        """
        return self._json.validate_json(payload)

    def pending(self, entry: Entry, *, is_replay: bool = False) -> R:
        """Return the row of an entry, marked as pending."""
        row = self.model(**self.values(self.from_json(entry.payload), entry.accepted_at))
        row.is_pending = True
        row.is_replay = is_replay
        return row


def result_per_item(
    items: Sequence[I], insert: Callable[[I], SpoolableRow], id_of: Callable[[I], str | None]
) -> list[InsertResult]:
    """Insert items one by one and return the result of each; a refusal does not stop the others.

    Raises:
        DatabaseUnavailable: the database is away.
        DatabaseBusy: it cannot take the rows now.
        Overloaded: this process has no thread left.

    """

    def result_of(item: I) -> InsertResult:
        try:
            row = insert(item)
        except (DatabaseUnavailable, DatabaseBusy, Overloaded):
            raise
        except ServiceError as refusal:
            return refused(id_of(item) or "", refusal)
        return InsertResult(row.id, Outcome.REPEATED if row.is_replay else Outcome.STORED)

    return [result_of(item) for item in items]
