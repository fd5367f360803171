"""Dialects: SQL expressions that differ between PostgreSQL and the in-memory store."""

import json
import operator as comparisons
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
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
    Uuid,
    any_,
    bindparam,
    case,
    cast,
    exists,
    extract,
    false,
    func,
    literal,
    or_,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, JSONPATH
from sqlalchemy.orm import InstrumentedAttribute, Session

# Less than half of the largest float: the difference of two such numbers does not overflow.
_LARGEST = 8e307
# Decimal places of the smallest float.
_SMALLEST_PLACES = 323
# More than the number of rows of any table.
_SCALE = 2.0**64

Column = InstrumentedAttribute[Any] | ColumnElement[Any]


class Operator(StrEnum):
    """Comparison of a stored value with the value of a filter."""

    EQ = "eq"
    NE = "ne"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    IN = "in"
    CONTAINS = "contains"
    STARTSWITH = "startswith"


_COMPARISONS = {
    Operator.EQ: comparisons.eq,
    Operator.NE: comparisons.ne,
    Operator.GT: comparisons.gt,
    Operator.GTE: comparisons.ge,
    Operator.LT: comparisons.lt,
    Operator.LTE: comparisons.le,
}
# Conditions of jsonpath on values of one type; only null is unequal to values of other types.
_JSONPATH = {
    Operator.EQ: "{place} == {value}",
    Operator.NE: "({place} != {value} && {place} != null)",
    Operator.GT: "{place} > {value}",
    Operator.GTE: "{place} >= {value}",
    Operator.LT: "{place} < {value}",
    Operator.LTE: "{place} <= {value}",
    Operator.IN: "{place} == {value}",
    Operator.CONTAINS: '{place} like_regex {literal} flag "q"',
    Operator.STARTSWITH: "{place} starts with {literal}",
}
# Names that SQLite has for the types of JSON.
_SQLITE_TYPES = {
    "string": ("text",),
    "number": ("integer", "real"),
    "boolean": ("true", "false"),
    "null": ("null",),
}


class Postgresql:
    """Expressions for PostgreSQL."""

    def contains(self, text: Column, part: str) -> ColumnElement[bool]:
        """Return the condition that the text contains the part, by code point."""
        return func.strpos(text, part) > 0

    def starts_with(self, text: Column, start: str) -> ColumnElement[bool]:
        """Return the condition that the text begins with `start`, by code point."""
        return func.starts_with(text, start)

    def json_matches(
        self,
        column: Column,
        paths: Iterable[Sequence[str]],
        operator: Operator,
        values: Sequence[Any],
    ) -> ColumnElement[bool]:
        """Return the condition that a value at one of the paths matches one of the values.

        Values of different JSON types never match. Texts are compared by code point.
        """
        by_type = _by_type(values)
        conditions = (
            _JSONPATH[operator].format(
                place=_json_path(path), value=f"${kind}[*]", literal=_quoted(values[0])
            )
            for path in paths
            for kind in by_type
        )
        # Strict: otherwise a key is also looked up in the objects of an array.
        predicate = literal("strict " + " || ".join(conditions), Text())
        return func.jsonb_path_match(
            column, cast(predicate, JSONPATH()), literal(by_type, JSONB()), true()
        )

    def json_numeric(self, column: Column, path: Sequence[str]) -> ColumnElement[Any]:
        """Return the number inside JSON to compute with, null if the value is no number."""
        found: Column = column
        # A key such as `0` is no place in an array, as on SQLite.
        for name in path:
            found = func.jsonb_object_field(found, name, type_=JSONB())
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
        percentile = func.percentile_cont(share).within_group(bounded)
        # `least` of an absent number would be the largest one.
        return percentile.filter(number.is_not(None))

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

    def json_matches(
        self,
        column: Column,
        paths: Iterable[Sequence[str]],
        operator: Operator,
        values: Sequence[Any],
    ) -> ColumnElement[bool]:
        """Return the condition that a value at one of the paths matches one of the values.

        Values of different JSON types never match. Texts are compared by code point.
        """
        places = func.json_each(json.dumps([_json_path(path) for path in paths]))
        place = places.table_valued("value").c.value
        found = func.json_extract(column, place)
        conditions = []
        for kind, of_type in _by_type(values).items():
            # Each has its own type: one type for all would round integers beside a float.
            sent = list(map(literal, of_type)) if operator is Operator.IN else of_type[0]
            is_met = true() if kind == "null" else compare(self, found, operator, sent)
            conditions.append(func.json_type(column, place).in_(_SQLITE_TYPES[kind]) & is_met)
        return exists().where(or_(false(), *conditions))

    def json_numeric(self, column: Column, path: Sequence[str]) -> ColumnElement[Any]:
        """Return the number inside JSON to compute with, null if the value is no number."""
        place = _json_path(path)
        is_number = func.json_type(column, place).in_(_SQLITE_TYPES["number"])
        return case((is_number, cast(func.json_extract(column, place), Double)))

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


def _json_path(path: Sequence[str]) -> str:
    return "$" + "".join(f".{_quoted(name)}" for name in path)


def _quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _by_type(values: Sequence[Any]) -> Mapping[str, Sequence[Any]]:
    """Return the values by the name of their JSON type."""
    by_type: dict[str, list[Any]] = defaultdict(list)
    for value in values:
        match value:
            case None:
                by_type["null"].append(value)
            case bool():
                by_type["boolean"].append(value)
            case int() | float():
                by_type["number"].append(value)
            case _:
                by_type["string"].append(value)
    return by_type


Dialect = Postgresql | Sqlite


def compare(
    dialect: Dialect, column: Column, operator: Operator, value: Any
) -> ColumnElement[bool]:
    """Return the condition that the operator holds between a column and a value."""
    match operator:
        case Operator.IN:
            return column.in_(value)
        case Operator.CONTAINS:
            return dialect.contains(column, value)
        case Operator.STARTSWITH:
            return dialect.starts_with(column, value)
        case _:
            compared: ColumnElement[bool] = _COMPARISONS[operator](column, value)
            return compared


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
    kind = column.type if isinstance(column.type, Uuid) else String()
    return column == any_(cast(bindparam(name, type_=ARRAY(String)), ARRAY(kind)))
