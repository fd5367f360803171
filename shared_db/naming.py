"""Storing rows that a client names: once, however often and from wherever they are sent."""

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from enum import Enum, StrEnum
from typing import Any, TypeVar, cast

from sqlalchemy import inspect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningInsert

from shared_db.columns import Named
from shared_db.errors import ServiceError

N = TypeVar("N", bound=Named)


class Outcome(StrEnum):
    """What became of a row that was sent under an id."""

    STORED = "stored"
    REPEATED = "repeated"
    DIFFERENT = "different"
    GONE = "gone"


def digest_of(sent: dict[str, Any]) -> bytes:
    """Return 16 bytes of BLAKE2b over the canonical JSON of what was sent, without absent values.

    Call it before defaults are filled in: the same request sent twice must give the same digest
    although the clock has moved.
    """
    present = {name: value for name, value in sent.items() if value is not None}
    text = json.dumps(present, sort_keys=True, separators=(",", ":"), default=_canonical)
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _canonical(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    raise TypeError(f"no canonical form for {type(value).__name__}")


def store_named(session: Session, rows: Sequence[N]) -> list[Outcome]:
    """Insert the rows whose id is new, in one statement, and tell what became of each, in order.

    A row whose id is stored already, or came earlier in `rows`, is not stored again: with the same
    digest it is repeated, with another different.
    """
    first: dict[str, N] = {}
    for row in rows:
        first.setdefault(row.id, row)
    if not first:
        return []
    model = type(rows[0])
    # In the order of their ids, or two batches with the same ids could wait for each other.
    values = [_columns(first[id_]) for id_ in sorted(first)]
    # Else rows with other values absent would each be a statement of their own.
    options = {"render_nulls": True}
    new = set(session.scalars(_insert(session, model), values, execution_options=options))
    digests = {id_: first[id_].digest for id_ in new}
    if known := first.keys() - new:
        query = select(model.id, model.digest).where(model.id.in_(known))
        digests |= dict(session.execute(query).all())

    def outcome(row: N) -> Outcome:
        if row.id in new and row is first[row.id]:
            return Outcome.STORED
        return Outcome.REPEATED if digests.get(row.id) == row.digest else Outcome.DIFFERENT

    return [outcome(row) for row in rows]


def store_one(session: Session, row: N, differs: Callable[[str], ServiceError]) -> N:
    """Store the row if its id is new and return it; a repeated one comes as it is stored.

    Raises:
        ServiceError: what `differs` makes of the id, when it is stored with another digest.

    """
    [outcome] = store_named(session, [row])
    if outcome is Outcome.STORED:
        return row
    if outcome is Outcome.DIFFERENT:
        raise differs(row.id)
    stored = session.get_one(type(row), row.id)
    stored.is_repeat = True
    return stored


def _insert(session: Session, model: type[N]) -> ReturningInsert[str]:
    # The same sentence in two dialects; the generic insert has no ON CONFLICT.
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    statement = dialect.insert(model).on_conflict_do_nothing(index_elements=["id"])
    return cast("ReturningInsert[str]", statement.returning(model.id))


def _columns(row: Named) -> dict[str, Any]:
    return {name: getattr(row, name) for name in inspect(type(row)).columns.keys()}  # noqa: SIM118
