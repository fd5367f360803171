"""Keyset pagination: a page starts after the last row of the one before, at the same cost."""

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import isfinite
from typing import Any, Generic, TypedDict, TypeVar

from sqlalchemy import ColumnElement, Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from shared_db.errors import Invalid
from shared_db.queries.filters import Filter
from shared_db.queries.plain_rows import columns_of, plain

T = TypeVar("T")
_BIGINT = 2**63


class MalformedCursor(Invalid):
    """The cursor is not one of this list."""

    slug = "malformed-cursor"
    title = "The cursor is not one of this list"


@dataclass(frozen=True)
class Page(Generic[T]):
    """Page of rows, with the cursor of the next page or None at the end."""

    items: Sequence[T]
    next: str | None

    def __iter__(self) -> Iterator[T]:
        """Iterate over the rows of this page."""
        return iter(self.items)

    def __len__(self) -> int:
        """Return the number of rows of this page."""
        return len(self.items)

    def __getitem__(self, index: int) -> T:
        """Return one row of this page."""
        return self.items[index]


class PageOptions(TypedDict, total=False):
    """Options of a list: filters of the caller, cursor, and the most rows (by default 100)."""

    filters: Sequence[Filter]
    after: str | None
    limit: int


@dataclass(frozen=True)
class Keyset:
    """Sort order of one list: the columns that identify a place in it, all in one direction.

    `name` is part of the cursors, so that a list refuses the cursor of another one. The columns
    must be non-null and unique together, and need an index in this order.
    """

    name: str
    columns: tuple[InstrumentedAttribute[Any] | ColumnElement[Any], ...]
    is_descending: bool = False

    def page(self, session: Session, query: Select[T], *, after: str | None, limit: int) -> Page[T]:
        """Return at most `limit` plain objects of `query` that follow the cursor `after`.

        `query` selects one entity; its attributes are this keyset's columns.

        Raises:
            MalformedCursor: `after` is not a cursor of this list.

        """
        entity: type[T] = query.column_descriptions[0]["type"]
        columns = query.with_only_columns(*columns_of(entity).columns)
        rows, following = self.rows(session, columns, after=after, limit=limit)
        return Page(plain(entity, rows), following)

    def loaded(
        self, session: Session, query: Select[T], *, after: str | None, limit: int
    ) -> Page[T]:
        """Return a page as `page` does, its objects loaded with the options of the query.

        Raises:
            MalformedCursor: `after` is not a cursor of this list.

        """
        rows, following = self.rows(session, query, after=after, limit=limit)
        return Page([row[0] for row in rows], following)

    def rows(
        self, session: Session, query: Select[*tuple[Any, ...]], *, after: str | None, limit: int
    ) -> tuple[Sequence[Any], str | None]:
        """Return rows and the next cursor; `query` may select any columns, including the keys."""
        place = tuple_(*self.columns)
        if after is not None:
            seen = tuple_(*self.decode(after))
            query = query.where(place < seen if self.is_descending else place > seen)
        query = query.add_columns(*self.columns)
        query = query.order_by(*(c.desc() if self.is_descending else c for c in self.columns))
        # One row more than the limit shows that there is a next page.
        rows = session.execute(query.limit(limit + 1)).all()
        if len(rows) <= limit:
            return rows, None
        return rows[:limit], self._encode(rows[limit - 1][-len(self.columns) :])

    def cursor(self, *place: object) -> str:
        """Return the cursor of a place in this list, with or without a row there."""
        return self._encode(place)

    def _encode(self, values: Sequence[object]) -> str:
        plain = [v.isoformat() if isinstance(v, date) else v for v in values]
        text = json.dumps([self.name, *plain], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def decode(self, cursor: str) -> list[Any]:
        """Return the column values of the cursor's place.

        Raises:
            MalformedCursor: it is not a cursor of this list.

        """
        try:
            padded = cursor + "=" * (-len(cursor) % 4)
            name, *values = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
            if name != self.name:
                raise ValueError("another list's cursor")  # noqa: TRY301 - one refusal for all
            return [
                _value(column.type.python_type, value)
                for column, value in zip(self.columns, values, strict=True)
            ]
        except (ValueError, TypeError, OverflowError, RecursionError) as failure:
            raise MalformedCursor(
                "Pass the value of `next` from the page before, unchanged, or leave `after` out.",
                field="after",
            ) from failure


def _value(kind: type, value: object) -> object:
    if kind is datetime and isinstance(value, str):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError("no instant")
        return moment.astimezone(UTC)
    if kind is date and isinstance(value, str):
        return date.fromisoformat(value)
    if kind is float and isinstance(value, int | float) and isfinite(value):
        return float(value)
    if kind is int and type(value) is int and abs(value) < _BIGINT:
        return value
    if kind is str and isinstance(value, str) and "\x00" not in value:
        value.encode()  # a lone surrogate cannot be stored, so no row has it
        return value
    raise ValueError("value of another type")
