"""Dialects: SQL expressions that differ between PostgreSQL and the in-memory store."""

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
    """Expressions for PostgreSQL."""

    def contains(self, text: Column, part: str) -> ColumnElement[bool]:
        """Return the condition that the text contains the part, by code point."""
        return func.strpos(text, part) > 0

    def starts_with(self, text: Column, start: str) -> ColumnElement[bool]:
        """Return the condition that the text begins with `start`, by code point."""
        return func.starts_with(text, start)

    def json_text(self, column: Column, path: Sequence[str]) -> ColumnElement[str]:
        """Return a value inside JSON as text, compared by code point."""
        return func.jsonb_extract_path_text(column, *path).collate("C")

    def json_number(self, column: Column, path: Sequence[str]) -> ColumnElement[Any]:
        """Return a value inside JSON to compare with `number`; it must be a number."""
        return func.jsonb_extract_path(column, *path, type_=JSONB())

    def number(self, value: float) -> ColumnElement[Any]:
        """Return the other side of a comparison with `json_number`."""
        # Numbers are compared as jsonb: a cast would fail on a value of another type.
        return literal(value, JSONB())

    def json_is(self, column: Column, path: Sequence[str], kind: type) -> ColumnElement[bool]:
        """Return the condition that a value inside JSON is a str, a float, a bool or None."""
        names = {str: "string", float: "number", bool: "boolean", type(None): "null"}
        found = func.jsonb_extract_path(column, *path, type_=JSONB())
        return func.jsonb_typeof(found) == names[kind]

    def json_is_true(self, column: Column, path: Sequence[str]) -> ColumnElement[bool]:
        """Return the condition that a value inside JSON is true; it must be a boolean."""
        return func.jsonb_extract_path_text(column, *path) == "true"

    def json_float(self, column: Column, path: Sequence[str]) -> ColumnElement[Any]:
        """Return the number inside JSON, null if the value is no number."""
        found = func.jsonb_extract_path(column, *path, type_=JSONB())
        is_number = func.jsonb_typeof(found) == "number"
        return case((is_number, cast(cast(found, Text), Double)))

    def epoch_seconds(self, instant: Column) -> ColumnElement[int]:
        """Return the whole seconds since 1970."""
        return cast(func.floor(extract("epoch", instant)), BigInteger)


class Sqlite:
    """Expressions for the in-memory store, SQLite."""

    def contains(self, text: Column, part: str) -> ColumnElement[bool]:
        """Return the condition that the text contains the part, by code point."""
        return func.instr(text, part) > 0

    def starts_with(self, text: Column, start: str) -> ColumnElement[bool]:
        """Return the condition that the text begins with `start`, by code point."""
        return func.substr(text, 1, len(start)) == start

    def json_text(self, column: Column, path: Sequence[str]) -> ColumnElement[str]:
        """Return a value inside JSON as text, compared by code point."""
        return func.json_extract(column, _sqlite_path(path))

    def json_number(self, column: Column, path: Sequence[str]) -> ColumnElement[Any]:
        """Return a value inside JSON to compare with `number`; it must be a number."""
        return func.json_extract(column, _sqlite_path(path))

    def number(self, value: float) -> ColumnElement[Any]:
        """Return the other side of a comparison with `json_number`."""
        return literal(value)

    def json_is(self, column: Column, path: Sequence[str], kind: type) -> ColumnElement[bool]:
        """Return the condition that a value inside JSON is a str, a float, a bool or None."""
        names = {
            str: ("text",),
            float: ("integer", "real"),
            bool: ("true", "false"),
            type(None): ("null",),
        }
        return func.json_type(column, _sqlite_path(path)).in_(names[kind])

    def json_is_true(self, column: Column, path: Sequence[str]) -> ColumnElement[bool]:
        """Return the condition that a value inside JSON is true; it must be a boolean."""
        return func.json_type(column, _sqlite_path(path)) == "true"

    def json_float(self, column: Column, path: Sequence[str]) -> ColumnElement[Any]:
        """Return the number inside JSON, null if the value is no number."""
        found = func.json_extract(column, _sqlite_path(path))
        return case((self.json_is(column, path, float), cast(found, Double)))

    def epoch_seconds(self, instant: Column) -> ColumnElement[int]:
        """Return the whole seconds since 1970."""
        return extract("epoch", instant)


def _sqlite_path(path: Sequence[str]) -> str:
    return "$" + "".join(f'."{name}"' for name in path)


Dialect = Postgresql | Sqlite


def dialect_of(session: Session) -> Dialect:
    """Return the dialect of the session's store."""
    return Sqlite() if session.get_bind().dialect.name == "sqlite" else Postgresql()


def lateral_lookup(query: Select[*tuple[Any, ...]], name: str | None = None) -> FromClause:
    """Return a query as a lateral join that is run for each row it is joined to.

    PostgreSQL's planner would read a whole table of some ten thousand rows and compare all pairs,
    instead of looking up a thousand of them by an index. OFFSET 0 prevents that.
    """
    return query.offset(0).lateral(name)


def in_list(column: Column, name: str, dialect: str) -> ColumnElement[bool]:
    """Return the condition that a text is in the list of the parameter of that name.

    PostgreSQL gets one array: a parameter for each value takes longer than most queries.
    """
    if dialect == "sqlite":
        return column.in_(bindparam(name, expanding=True))
    # `String` without a length: else PostgreSQL would cast each value.
    return column == any_(cast(bindparam(name, type_=ARRAY(String)), ARRAY(String)))
