"""Idempotent inserts of rows with a client's id: stored once, however often they are sent."""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, date, datetime
from functools import cache
from typing import Any, NamedTuple, TypeVar, cast

import orjson
from sqlalchemy import NestedTransaction, inspect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningInsert

from shared_db.columns import IdempotentRow, Row
from shared_db.errors import DatabaseBusy, ServiceError
from shared_db.ids import names_request
from shared_db.queries.dialects import in_list
from shared_db.replaying import is_replaying
from shared_db.resilience.error_classification import is_unique_violation
from shared_db.results import InsertResult, Outcome
from shared_db.writes.copy_from import COPY_MIN_ROWS, copy_rows

# A second COPY, after other requests stored some of the rows; then an INSERT with ON CONFLICT.
_MAX_COPIES = 2
# A stored row can be deleted before its digest is read; then the submitted one is new after all.
_MAX_ATTEMPTS = 3
_DELETED_MEANWHILE = "What is stored under the id is being deleted. Try again."

N = TypeVar("N", bound=IdempotentRow)


def content_digest(sent: dict[str, Any]) -> bytes:
    """Return 16 bytes of BLAKE2b over the canonical JSON of `sent`, without absent values.

    Call it before defaults are filled in: a repeated request must give the same digest at a later
    time.
    """
    return content_digest_and_size(sent)[0]


def content_digest_and_size(sent: dict[str, Any]) -> tuple[bytes, int]:
    """Return the digest of `sent` and the length of its JSON in bytes."""
    present = {name: value for name, value in sent.items() if value is not None}
    text = orjson.dumps(present, default=_plain, option=_CANONICAL)
    return hashlib.blake2b(text, digest_size=16).digest(), len(text)


class Digests(NamedTuple):
    """Digests of a stored row: of the content that was sent first, and of the present one."""

    first: bytes
    present: bytes
    is_changed: bool = True

    def is_replay(self, id_: str, digest: bytes) -> bool:
        """Return True if content of this digest, sent under the row's id, is a replay.

        The first content of a changed row is one if it comes from the spool, or if the id was made
        from an Idempotency-Key: it is the earlier request, and no attempt to undo the change.
        """
        if digest == self.present:
            return True
        is_request = not self.is_changed or is_replaying() or names_request(id_)
        return digest == self.first and is_request


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"no canonical form for {type(value).__name__}")


# Instants are passed to `_plain`, because the same instant has a text in each time zone.
_CANONICAL = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME


def insert_many_idempotent(
    session: Session, model: type[N], rows: Sequence[Row], *, look_first: bool = False
) -> list[InsertResult]:
    """Insert the rows whose id is new and return the result of each, in order.

    A row with an id that is stored already, or came earlier in `rows`, is not stored again. It is a
    replay if its content is the stored one, else a conflict. The content that a changed row had at
    first is a replay only from the spool, or if the id was made from an Idempotency-Key.

    look_first: search for the first row before all are sent; for rows that are usually repeated
    together, as when an import is run again.

    Raises:
        DatabaseBusy: other requests keep storing and deleting rows of these ids.

    """
    first: dict[str, Row] = {}
    for row in rows:
        first.setdefault(row["id"], row)
    if not first:
        return []
    # In the order of their ids, or two batches with the same ids could deadlock.
    ordered = [first[id_] for id_ in sorted(first)]
    stored = dict[str, Digests]()
    if look_first and _stored_digests(session, model, ordered[:1]):
        stored = _stored_digests(session, model, ordered)
    new = _insert_or_find(session, model, ordered, stored)
    if len(new) == len(rows):
        return [InsertResult(row["id"], Outcome.STORED) for row in rows]
    stored |= {id_: Digests(first[id_]["digest"], first[id_]["digest"]) for id_ in new}

    def outcome(row: Row) -> Outcome:
        id_ = row["id"]
        if id_ in new and row is first[id_]:
            return Outcome.STORED
        is_replay = stored[id_].is_replay(id_, row["digest"])
        return Outcome.REPEATED if is_replay else Outcome.CONFLICT

    return [InsertResult(row["id"], outcome(row)) for row in rows]


def insert_idempotent(
    session: Session, model: type[N], row: Row, conflict: Callable[[str], ServiceError]
) -> N:
    """Insert the row if its id is new and return it; a replay returns the stored row.

    Raises:
        ServiceError: `conflict` of the id, if it is stored with other content.
        DatabaseBusy: as `insert_many_idempotent`.

    """
    for _ in range(_MAX_ATTEMPTS):
        [result] = insert_many_idempotent(session, model, [row])
        if result.is_stored:
            return model(**row)
        if result.outcome is Outcome.CONFLICT:
            raise conflict(result.id)
        stored = session.get(model, result.id)
        if stored is not None:
            stored.is_replay = True
            return stored
    raise DatabaseBusy(_DELETED_MEANWHILE)


def find_replay(
    session: Session,
    model: type[N],
    id_: str | None,
    digest: bytes,
    conflict: Callable[[str], ServiceError],
) -> N | None:
    """Return the row stored under the id before, None if there is none.

    Raises:
        ServiceError: `conflict` of the id, if it is stored with other content.

    """
    stored = None if id_ is None else session.get(model, id_)
    if stored is None:
        return None
    if stored.digest != digest:
        raise conflict(stored.id)
    stored.is_replay = True
    return stored


def _insert_or_find(
    session: Session, model: type[N], rows: Sequence[Row], digests: dict[str, Digests]
) -> set[str]:
    """Insert the rows that `digests` lacks, or add the stored digests to it; return the new ids.

    Each attempt begins without rows of the earlier ones. Lock order: all rows in the order of their
    ids; a row inserted after one with a greater id could make two writers deadlock.
    """
    is_postgresql = session.get_bind().dialect.name == "postgresql"
    missing = [row for row in rows if row["id"] not in digests]
    for _ in range(_MAX_COPIES):
        if len(missing) < COPY_MIN_ROWS or not is_postgresql:
            break
        if _copied(session, model, missing):
            return {row["id"] for row in missing}
        digests |= _stored_digests(session, model, missing)
        missing = [row for row in missing if row["id"] not in digests]
    for _ in range(_MAX_ATTEMPTS):
        with _savepoint(session, missing) as savepoint:
            new = _inserted(session, model, missing)
            old = [row for row in missing if row["id"] not in new]
            digests |= _stored_digests(session, model, old)
            missing = [row for row in missing if row["id"] not in digests]
            if len(missing) == len(new):
                return new
            if savepoint is not None:
                savepoint.rollback()
    raise DatabaseBusy(_DELETED_MEANWHILE)


def _savepoint(
    session: Session, rows: Sequence[Row]
) -> AbstractContextManager[NestedTransaction | None]:
    # A single row needs no savepoint: if it was not inserted, nothing is to be rolled back.
    return session.connection().begin_nested() if len(rows) > 1 else nullcontext()


def _copied(session: Session, model: type[IdempotentRow], rows: Sequence[Row]) -> bool:
    # Most batches are all new; COPY is then several times as fast as INSERT with ON CONFLICT.
    try:
        with session.connection().begin_nested():
            copy_rows(session, model, rows)
    except IntegrityError as refusal:
        if not is_unique_violation(refusal):
            raise
        return False
    return True


def _stored_digests(session: Session, model: type[N], rows: Sequence[Row]) -> dict[str, Digests]:
    if not rows:
        return {}
    is_there = in_list(model.id, "ids", session.get_bind().dialect.name)
    changed = [model.changed_column] if model.changed_column else []
    names = (*model.sent_columns, *changed)
    query = select(model.id, model.digest, *(getattr(model, name) for name in names))
    found = session.execute(query.where(is_there), {"ids": [row["id"] for row in rows]})
    return {
        id_: _digests(model, digest, dict(zip(names, values, strict=True)))
        for id_, digest, *values in found
    }


def _digests(model: type[N], first: bytes, stored: Row) -> Digests:
    if not model.sent_columns:
        return Digests(first, first)
    # A flag that is not set is absent from the digest.
    content = {name: stored[name] for name in model.sent_columns if stored[name] is not False}
    is_changed = model.changed_column is None or stored[model.changed_column] is not None
    return Digests(first, content_digest(content), is_changed)


def _inserted(session: Session, model: type[IdempotentRow], rows: Sequence[Row]) -> set[str]:
    if not rows:
        return set()
    statement = _insert(session.get_bind().dialect.name, model)  # type: ignore[arg-type] # a class can be hashed
    attributes = _attributes(model)  # type: ignore[arg-type] # a class can be hashed
    values = [{name: row.get(key) for key, name in attributes} for row in rows]
    # Not by the session: its bulk insert takes several times as long for a few rows.
    return set(session.connection().execute(statement, values).scalars())


@cache
def _insert(dialect: str, model: type[IdempotentRow]) -> ReturningInsert[str]:
    # The generic insert has no ON CONFLICT; the syntax of both dialects is the same.
    table = inspect(model).local_table
    insert = (sqlite if dialect == "sqlite" else postgresql).insert(table)
    statement = insert.on_conflict_do_nothing(index_elements=["id"])
    return cast("ReturningInsert[str]", statement.returning(table.c.id))


@cache
def _attributes(model: type[IdempotentRow]) -> list[tuple[str, str]]:
    return [(attribute, column.key) for attribute, column in inspect(model).columns.items()]
