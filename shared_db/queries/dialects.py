"""What PostgreSQL and the in-memory store say in different words."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Double,
    FromClause,
    Select,
    String,
    Text,
    any_,
    bindparam,
    case,
    cast,
    extract,
    func,
    literal,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import InstrumentedAttribute, Session

Column = InstrumentedAttribute[Any] | ColumnElement[Any]


class Postgresql:
    """PostgreSQL's words for what the two stores say differently."""

    def contains(self, text: Column, part: str) -> ColumnElement[bool]:
        """Tell whether the part is in the text, by code point."""
        return func.strpos(text, part) > 0

    def starts_with(self, text: Column, start: str) -> ColumnElement[bool]:
        """Tell whether the text begins so, by code point."""
        return func.starts_with(text, start)

    def json_text(self, column: Column, path: Sequence[str]) -> ColumnElement[str]:
        """Return a value inside JSON as text, compared by code point."""
        return func.jsonb_extract_path_text(column, *path).collate("C")

    def json_number(self, column: Column, path: Sequence[str]) -> ColumnElement[Any]:
        """Return a value inside JSON to compare with `number`; only where it is one."""
        return func.jsonb_extract_path(column, *path, type_=JSONB())

    def number(self, value: float) -> ColumnElement[Any]:
        """Return the other side of a comparison with `json_number`."""
        # Numbers are compared as jsonb, so that there is no cast that another type could break.
        return literal(value, JSONB())

    def json_is(self, column: Column, path: Sequence[str], kind: type) -> ColumnElement[bool]:
        """Tell whether a value inside JSON is a str, a float, a bool or None."""
        names = {str: "string", float: "number", bool: "boolean", type(None): "null"}
        found = func.jsonb_extract_path(column, *path, type_=JSONB())
        return func.jsonb_typeof(found) == names[kind]

    def json_is_true(self, column: Column, path: Sequence[str]) -> ColumnElement[bool]:
        """Tell whether a value inside JSON is true; only where it is a truth value."""
        return func.jsonb_extract_path_text(column, *path) == "true"

    def json_float(self, column: Column, path: Sequence[str]) -> ColumnElement[Any]:
        """Return the number inside JSON, null where there is none."""
        found = func.jsonb_extract_path(column, *path, type_=JSONB())
        is_number = func.jsonb_typeof(found) == "number"
        return case((is_number, cast(cast(found, Text), Double)))

    def epoch_seconds(self, instant: Column) -> ColumnElement[int]:
        """Return the whole seconds since 1970."""
        return cast(func.floor(extract("epoch", instant)), BigInteger)


class Sqlite:
    """The in-memory store's words for the same."""

    def contains(self, text: Column, part: str) -> ColumnElement[bool]:
        """Tell whether the part is in the text, by code point."""
        return func.instr(text, part) > 0

    def starts_with(self, text: Column, start: str) -> ColumnElement[bool]:
        """Tell whether the text begins so, by code point."""
        return func.substr(text, 1, len(start)) == start

    def json_text(self, column: Column, path: Sequence[str]) -> ColumnElement[str]:
        """Return a value inside JSON as text, compared by code point."""
        return func.json_extract(column, _sqlite_path(path))

    def json_number(self, column: Column, path: Sequence[str]) -> ColumnElement[Any]:
        """Return a value inside JSON to compare with `number`; only where it is one."""
        return func.json_extract(column, _sqlite_path(path))

    def number(self, value: float) -> ColumnElement[Any]:
        """Return the other side of a comparison with `json_number`."""
        return literal(value)

    def json_is(self, column: Column, path: Sequence[str], kind: type) -> ColumnElement[bool]:
        """Tell whether a value inside JSON is a str, a float, a bool or None."""
        names = {
            str: ("text",),
            float: ("integer", "real"),
            bool: ("true", "false"),
            type(None): ("null",),
        }
        return func.json_type(column, _sqlite_path(path)).in_(names[kind])

    def json_is_true(self, column: Column, path: Sequence[str]) -> ColumnElement[bool]:
        """Tell whether a value inside JSON is true; only where it is a truth value."""
        return func.json_type(column, _sqlite_path(path)) == "true"

    def json_float(self, column: Column, path: Sequence[str]) -> ColumnElement[Any]:
        """Return the number inside JSON, null where there is none."""
        found = func.json_extract(column, _sqlite_path(path))
        return case((self.json_is(column, path, float), cast(found, Double)))

    def epoch_seconds(self, instant: Column) -> ColumnElement[int]:
        """Return the whole seconds since 1970."""
        return extract("epoch", instant)


def _sqlite_path(path: Sequence[str]) -> str:
    return "$" + "".join(f'."{name}"' for name in path)


Dialect = Postgresql | Sqlite


def dialect_of(session: Session) -> Dialect:
    """Return how PostgreSQL or SQLite says things, whichever the session is connected to."""
    return Sqlite() if session.get_bind().dialect.name == "sqlite" else Postgresql()


def lateral_lookup(query: Select[*tuple[Any, ...]], name: str | None = None) -> FromClause:
    """Return a query as what is looked up for each row that it is joined to.

    Left to itself, PostgreSQL's planner reads a whole table of some ten thousand rows, and compares
    all with all, rather than look for a thousand of them by an index. OFFSET keeps it from that.
    """
    return query.offset(0).lateral(name)


def in_list(column: Column, name: str, dialect: str) -> ColumnElement[bool]:
    """Tell whether a text is among those of the parameter of that name, a list.

    One array where there are arrays: a parameter for each value takes longer than most queries.
    """
    if dialect == "sqlite":
        return column.in_(bindparam(name, expanding=True))
    # Of any length, or PostgreSQL would cast each.
    return column == any_(cast(bindparam(name, type_=ARRAY(String)), ARRAY(String)))
