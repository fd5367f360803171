"""Filters of lists as plain values, and their SQL: they select the same rows on both stores.

Texts are compared by code point: upper and lower case differ, and `%` and `_` are ordinary
characters, because no filter uses LIKE.
"""

from collections.abc import Mapping, Sequence
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
    the filter's never matches.
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


def _in_json(dialect: Dialect, column: Column, wanted: Filter) -> ColumnElement[bool]:
    if wanted.operator is Operator.IN:
        each = [Filter(wanted.field, Operator.EQ, v, wanted.path) for v in wanted.value]
        return or_(false(), *(_in_json(dialect, column, one) for one in each))
    value, path = wanted.value, wanted.path
    if value is None:
        return dialect.json_is(column, path, type(None))
    if isinstance(value, bool):
        is_met = _compared(dialect.json_is_true(column, path), wanted.operator, literal(value))
        return dialect.json_is(column, path, bool) & is_met
    if isinstance(value, int | float):
        number = dialect.json_number(column, path)
        is_met = _compared(number, wanted.operator, dialect.number(value))
        return dialect.json_is(column, path, float) & is_met
    text = dialect.json_text(column, path)
    is_met = _on_column(dialect, text, Filter(wanted.field, wanted.operator, value))
    return dialect.json_is(column, path, str) & is_met
