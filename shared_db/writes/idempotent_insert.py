"""Storing rows that a client names: once, however often and from wherever they are sent."""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, cast

import orjson
from sqlalchemy import NestedTransaction, inspect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningInsert

from shared_db.columns import IdempotentRow
from shared_db.errors import DatabaseBusy, ServiceError
from shared_db.queries.dialects import in_list
from shared_db.resilience.error_classification import is_unique_violation
from shared_db.writes.copy_from import COPY_MIN_ROWS, copy_rows

# A second one, for what others stored meanwhile; after that an INSERT, which looks by itself.
_MOST_COPIES = 2
# What is found to be there can be deleted before it is looked at; then it is new after all.
_MOST_ATTEMPTS = 3
_DELETED_MEANWHILE = "What is stored under the id is being deleted. Try again."

N = TypeVar("N", bound=IdempotentRow)


class Outcome(StrEnum):
    """What became of a row that was sent under an id."""

    STORED = "stored"
    REPEATED = "repeated"
    CONFLICT = "different"
    ERASED = "gone"


def content_digest(sent: dict[str, Any]) -> bytes:
    """Return 16 bytes of BLAKE2b over the canonical JSON of what was sent, without absent values.

    Call it before defaults are filled in: the same request sent twice must give the same digest
    although the clock has moved.
    """
    return content_digest_and_size(sent)[0]


def content_digest_and_size(sent: dict[str, Any]) -> tuple[bytes, int]:
    """Return the digest of what was sent, and how many bytes its JSON has."""
    present = {name: value for name, value in sent.items() if value is not None}
    text = orjson.dumps(present, default=_plain, option=_CANONICAL)
    return hashlib.blake2b(text, digest_size=16).digest(), len(text)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"no canonical form for {type(value).__name__}")


# Instants are passed to `_plain`, because the same one has a spelling in each time zone.
_CANONICAL = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME


def insert_many_idempotent(
    session: Session, rows: Sequence[N], *, look_first: bool = False
) -> list[Outcome]:
    """Store the rows whose id is new and tell what became of each, in order.

    A row whose id is stored already, or came earlier in `rows`, is not stored again: with the same
    digest it is repeated, with another different.

    look_first: see whether the first row is there before any is sent, for rows that come again
    all together, as when an import is repeated.

    Raises:
        DatabaseBusy: somebody stores and deletes rows of these ids all the time.

    """
    first: dict[str, N] = {}
    for row in rows:
        first.setdefault(row.id, row)
    if not first:
        return []
    # In the order of their ids, or two batches with the same ids could wait for each other.
    ordered = [first[id_] for id_ in sorted(first)]
    digests = _known(session, ordered) if look_first and _known(session, ordered[:1]) else {}
    new = _store_or_find(session, ordered, digests)
    if len(new) == len(rows):
        return [Outcome.STORED] * len(rows)
    digests |= {id_: first[id_].digest for id_ in new}

    def outcome(row: N) -> Outcome:
        if row.id in new and row is first[row.id]:
            return Outcome.STORED
        return Outcome.REPEATED if digests[row.id] == row.digest else Outcome.CONFLICT

    return [outcome(row) for row in rows]


def _store_or_find(session: Session, rows: Sequence[N], digests: dict[str, bytes]) -> set[str]:
    """Store the rows that `digests` lacks, or add what is stored to it; return whose row is new.

    Each attempt begins without a row of those before: a row inserted after one with a greater id
    could make two writers wait for each other.
    """
    is_postgresql = session.get_bind().dialect.name == "postgresql"
    missing = [row for row in rows if row.id not in digests]
    for _ in range(_MOST_COPIES):
        if len(missing) < COPY_MIN_ROWS or not is_postgresql:
            break
        if _copied(session, missing):
            return {row.id for row in missing}
        digests |= _known(session, missing)
        missing = [row for row in missing if row.id not in digests]
    for _ in range(_MOST_ATTEMPTS):
        with _savepoint(session, missing) as savepoint:
            new = _inserted(session, missing)
            digests |= _known(session, [row for row in missing if row.id not in new])
            missing = [row for row in missing if row.id not in digests]
            if len(missing) == len(new):
                return new
            if savepoint is not None:
                savepoint.rollback()
    raise DatabaseBusy(_DELETED_MEANWHILE)


def _savepoint(
    session: Session, rows: Sequence[IdempotentRow]
) -> AbstractContextManager[NestedTransaction | None]:
    # One row alone is inserted or not: there is nothing to take back.
    return session.connection().begin_nested() if len(rows) > 1 else nullcontext()


def insert_idempotent(session: Session, row: N, differs: Callable[[str], ServiceError]) -> N:
    """Store the row if its id is new and return it; a repeated one comes as it is stored.

    Raises:
        ServiceError: what `differs` makes of the id, when it is stored with another digest.
        DatabaseBusy: as `insert_many_idempotent`.

    """
    for _ in range(_MOST_ATTEMPTS):
        [outcome] = insert_many_idempotent(session, [row])
        if outcome is Outcome.STORED:
            return row
        if outcome is Outcome.CONFLICT:
            raise differs(row.id)
        stored = session.get(type(row), row.id)
        if stored is not None:
            stored.is_replay = True
            return stored
    raise DatabaseBusy(_DELETED_MEANWHILE)


def repeated(
    session: Session,
    model: type[N],
    id_: str | None,
    digest: bytes,
    differs: Callable[[str], ServiceError],
) -> N | None:
    """Return the row that was stored under the id before, None where there is none.

    Raises:
        ServiceError: what `differs` makes of the id, when it is stored with another digest.

    """
    stored = None if id_ is None else session.get(model, id_)
    if stored is None:
        return None
    if stored.digest != digest:
        raise differs(stored.id)
    stored.is_replay = True
    return stored


def _copied(session: Session, rows: Sequence[N]) -> bool:
    # Most batches are all new, and COPY is then several times as fast as any INSERT that looks.
    try:
        with session.connection().begin_nested():
            copy_rows(session, rows)
    except IntegrityError as refusal:
        if not is_unique_violation(refusal):
            raise
        return False
    return True


def _known(session: Session, rows: Sequence[N]) -> dict[str, bytes]:
    """Return the digests of those whose id is stored, by id."""
    if not rows:
        return {}
    model = type(rows[0])
    is_there = in_list(model.id, "ids", session.get_bind().dialect.name)
    query = select(model.id, model.digest).where(is_there)
    return dict(session.execute(query, {"ids": [row.id for row in rows]}).all())


def _inserted(session: Session, rows: Sequence[N]) -> set[str]:
    if not rows:
        return set()
    statement = _insert(session.get_bind().dialect.name, type(rows[0]))  # type: ignore[arg-type] # a class can be hashed
    # Past the session, whose own way for many rows takes several times as long for a few.
    return set(session.connection().execute(statement, [_columns(row) for row in rows]).scalars())


@cache
def _insert(dialect: str, model: type[IdempotentRow]) -> ReturningInsert[str]:
    # The same sentence in two dialects; the generic insert has no ON CONFLICT.
    table = inspect(model).local_table
    insert = (sqlite if dialect == "sqlite" else postgresql).insert(table)
    statement = insert.on_conflict_do_nothing(index_elements=["id"])
    return cast("ReturningInsert[str]", statement.returning(table.c.id))


def _columns(row: IdempotentRow) -> dict[str, Any]:
    columns = inspect(type(row)).columns.items()
    return {column.key: getattr(row, attribute) for attribute, column in columns}
