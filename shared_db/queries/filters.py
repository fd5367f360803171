"""Filters of lists as plain values, and their SQL: they select the same rows on both stores.

Texts are compared by code point: upper and lower case differ, and `%` and `_` are ordinary
characters, because no filter uses LIKE.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from shared_db.queries.dialects import Column, Dialect, Operator, compare, dialect_of

__all__ = ["Filter", "Operator", "conditions", "readings"]


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
        else compare(dialect, columns[f.field], f.operator, f.value)
        for f in filters
    ]


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
    values = wanted.value if wanted.operator is Operator.IN else (wanted.value,)
    return dialect.json_matches(column, readings(wanted.path), wanted.operator, values)
