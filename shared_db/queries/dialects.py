"""Dialects: SQL expressions that differ between PostgreSQL and the in-memory store."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Double,
    FromClause,
    Numeric,
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

# Less than half of the largest float: the difference of two such numbers does not overflow.
_LARGEST = 8e307
# Decimal places of the smallest float.
_SMALLEST_PLACES = 323
# More than the number of rows of any table.
_SCALE = 2.0**64

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
        *outer, last = path
        return func.jsonb_object_field_text(_inside(column, outer), last).collate("C")

    def json_number(self, column: Column, path: Sequence[str]) -> Column:
        """Return a value inside JSON to compare with `number`; it must be a number."""
        return _inside(column, path)

    def number(self, value: float) -> ColumnElement[Any]:
        """Return the other side of a comparison with `json_number`."""
        # Numbers are compared as jsonb: a cast would fail on a value of another type.
        return literal(value, JSONB())

    def json_is(self, column: Column, path: Sequence[str], kind: type) -> ColumnElement[bool]:
        """Return the condition that a value inside JSON is a str, a float, a bool or None."""
        names = {str: "string", float: "number", bool: "boolean", type(None): "null"}
        return func.jsonb_typeof(_inside(column, path)) == names[kind]

    def json_is_true(self, column: Column, path: Sequence[str]) -> ColumnElement[bool]:
        """Return the condition that a value inside JSON is true; it must be a boolean."""
        return cast(_inside(column, path), Text) == "true"

    def json_numeric(self, column: Column, path: Sequence[str]) -> ColumnElement[Any]:
        """Return the number inside JSON to compute with, null if the value is no number."""
        found = _inside(column, path)
        return case((func.jsonb_typeof(found) == "number", cast(found, Numeric)))

    def mean(self, number: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return the mean of numbers; no float overflows, because numerics are added up."""
        # Rounded, as a quotient below the smallest float cannot be cast.
        return cast(func.round(func.avg(number), _SMALLEST_PLACES), Double)

    def maximum(self, number: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return the largest of numbers."""
        return cast(func.max(number), Double)

    def percentile(self, number: ColumnElement[Any], share: float) -> ColumnElement[Any]:
        """Return the interpolated percentile of numbers; those beyond 8e307 count as 8e307."""
        # The interpolation subtracts two values, and the difference of larger ones overflows.
        bounded = func.greatest(func.least(cast(number, Double), _LARGEST), -_LARGEST)
        return func.percentile_cont(share).within_group(bounded)

    def epoch_seconds(self, instant: Column) -> ColumnElement[int]:
        """Return the whole seconds since 1970."""
        return cast(func.floor(extract("epoch", instant)), BigInteger)


def _inside(column: Column, path: Sequence[str]) -> Column:
    """Return the value at the keys; a key such as `0` is no place in an array, as on SQLite."""
    found: Column = column
    for name in path:
        found = func.jsonb_object_field(found, name, type_=JSONB())
    return found


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

    def json_number(self, column: Column, path: Sequence[str]) -> Column:
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

    def json_numeric(self, column: Column, path: Sequence[str]) -> ColumnElement[Any]:
        """Return the number inside JSON to compute with, null if the value is no number."""
        found = func.json_extract(column, _sqlite_path(path))
        return case((self.json_is(column, path, float), cast(found, Double)))

    def mean(self, number: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return the mean of numbers, also of those whose sum overflows."""
        mean = func.avg(number)
        # Quotients by a power of two are exact, and their sum does not overflow.
        of_quotients = func.avg(number / _SCALE) * _SCALE
        return case((func.abs(mean) <= _LARGEST, mean), else_=of_quotients)

    def maximum(self, number: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return the largest of numbers."""
        return func.max(number)

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
