"""Filters of lists as plain values, and their SQL: they select the same rows on both stores.

Texts are compared by code point: upper and lower case differ, and `%` and `_` are ordinary
characters, because no filter uses LIKE.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, false, literal, or_
from sqlalchemy.orm import Session

from shared_db.queries.dialects import Column, Dialect, dialect_of


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


@dataclass(frozen=True)
class Filter:
    """One condition; `path` names the keys inside a JSON object, outermost first.

    An absent value matches no operator, not even `ne`. Inside JSON, a value of another type than
    the filter's never matches, and neighbours in the path may also be one key with dots; see
    `readings`.
    """

    field: str
    operator: Operator
    value: Any
    path: tuple[str, ...] = ()


Columns = Mapping[str, Column]


def conditions(
    session: Session, filters: Sequence[Filter], columns: Columns
) -> list[ColumnElement[bool]]:
    """Return the WHERE conditions of the filters on the columns of those names.

    Raises:
        KeyError: no column has the name of a filter's field.

    """
    dialect = dialect_of(session)
    return [
        _in_json(dialect, columns[f.field], f)
        if f.path
        else _on_column(dialect, columns[f.field], f)
        for f in filters
    ]


def _on_column(dialect: Dialect, column: Column, wanted: Filter) -> ColumnElement[bool]:
    match wanted.operator:
        case Operator.IN:
            return column.in_(wanted.value)
        case Operator.CONTAINS:
            return dialect.contains(column, wanted.value)
        case Operator.STARTSWITH:
            return dialect.starts_with(column, wanted.value)
        case operator:
            return _compared(column, operator, wanted.value)


def _compared(column: Column, operator: Operator, value: Any) -> ColumnElement[bool]:
    comparisons = {
        Operator.EQ: column.__eq__,
        Operator.NE: column.__ne__,
        Operator.GT: column.__gt__,
        Operator.GTE: column.__ge__,
        Operator.LT: column.__lt__,
        Operator.LTE: column.__le__,
    }
    compared: ColumnElement[bool] = comparisons[operator](value)
    return compared


def readings(path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the paths that the names can mean, because a dot can also be part of a key.

    First all names as nested keys, then one run of neighbours as one key: of `a.b.c` these are
    `a`, `b`, `c`, then `a.b`, `c`, then `a.b.c`, then `a`, `b.c`.
    """
    yield path
    for start in range(len(path)):
        for end in range(start + 2, len(path) + 1):
            yield (*path[:start], ".".join(path[start:end]), *path[end:])


def _in_json(dialect: Dialect, column: Column, wanted: Filter) -> ColumnElement[bool]:
    is_in = wanted.operator is Operator.IN
    values = _by_type(wanted.value if is_in else (wanted.value,))
    # One condition for all values of a type: SQLite limits the depth of an expression.
    return or_(
        false(),
        *(
            _at(dialect, column, path, wanted.operator, of_type)
            for path in readings(wanted.path)
            for of_type in values
        ),
    )


def _by_type(values: Sequence[Any]) -> Sequence[Sequence[Any]]:
    by_type = defaultdict(list)
    for value in values:
        by_type[float if type(value) is int else type(value)].append(value)
    return list(by_type.values())


def _at(
    dialect: Dialect, column: Column, path: Sequence[str], operator: Operator, values: Sequence[Any]
) -> ColumnElement[bool]:
    """Return the condition on the value at this path; the values are of one type."""
    match values[0]:
        case None:
            return dialect.json_is(column, path, type(None))
        case bool():
            found: Column = dialect.json_is_true(column, path)
            kind: type = bool
            sent: list[Any] = [literal(value) for value in values]
        case int() | float():
            found, kind = dialect.json_number(column, path), float
            sent = [dialect.number(value) for value in values]
        case _:
            found, kind, sent = dialect.json_text(column, path), str, list(values)
    value = sent if operator is Operator.IN else sent[0]
    return dialect.json_is(column, path, kind) & _on_column(
        dialect, found, Filter("", operator, value)
    )
