"""Rows as objects of their mapped class, without the bookkeeping of a session.

A session records each object that it loads, to notice changes of it. For rows that are only read
this takes as long as the query. So a plain object has the values of its columns and nothing else:
it cannot be changed or added to a session. Access to a value that was not read raises SQLAlchemy's
`UnmappedInstanceError`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Select, bindparam, inspect, select
from sqlalchemy.orm import InstrumentedAttribute, Session

T = TypeVar("T")


class Columns(NamedTuple):
    """Columns of a class that reads need, and the names of their attributes."""

    names: tuple[str, ...]
    columns: tuple[InstrumentedAttribute[Any], ...]


_known: dict[type[Any], Columns] = {}
_by_id: dict[type[Any], Select[*tuple[Any, ...]]] = {}


def columns_of(entity: type[Any]) -> Columns:
    """Return the columns of a mapped class, except those that it declares as `unread_columns`."""
    if entity not in _known:
        _known[entity] = _columns_of(entity)
    return _known[entity]


def _columns_of(entity: type[Any]) -> Columns:
    unread: tuple[str, ...] = getattr(entity, "unread_columns", ())
    names = tuple(each.key for each in inspect(entity).column_attrs if each.key not in unread)
    return Columns(names, tuple(getattr(entity, name) for name in names))


def plain(entity: type[T], rows: Sequence[Sequence[Any]]) -> list[T]:
    """Return an object for each row, which begins with the values of `columns_of` the class."""
    names = columns_of(entity).names
    found = []
    for row in rows:
        one = object.__new__(entity)
        one.__dict__.update(zip(names, row, strict=False))
        found.append(one)
    return found


def find_plain(session: Session, entity: type[T], id_: str) -> T | None:
    """Return the row of that id to read it, or None."""
    if entity not in _by_id:
        is_wanted = inspect(entity).primary_key[0] == bindparam("wanted")
        _by_id[entity] = select(*columns_of(entity).columns).where(is_wanted)
    row = session.execute(_by_id[entity], {"wanted": id_}).first()
    return None if row is None else plain(entity, [row])[0]
