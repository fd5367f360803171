"""Rows that are moved from one id of their owner to another: tables, numbers and the report."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import MetaData, Table, select, update
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class MoveReport:
    """Numbers of rows by table: moved, of both ids in the same place, and computed again.

    target: the id that has the rows now. is_replay: they had been moved before, so nothing changed.
    """

    target: str
    moved: dict[str, int] = field(default_factory=dict)
    conflicts: dict[str, int] = field(default_factory=dict)
    recomputed: dict[str, int] = field(default_factory=dict)
    is_replay: bool = False


def owned_tables(metadata: MetaData, column: str, except_: Collection[str] = ()) -> list[Table]:
    """Return the tables that have a column with the owner's id, without those named."""
    tables = metadata.sorted_tables
    return [table for table in tables if column in table.c and table.name not in except_]


def move_rows(
    session: Session, tables: Sequence[Table], column: str, old: str, new: str
) -> dict[str, int]:
    """Move the rows of one owner to another; return their number by table."""
    return {
        table.name: row_count(
            session.execute(update(table).where(table.c[column] == old).values({column: new}))
        )
        for table in tables
    }


def shared_keys(
    session: Session, columns: Sequence[Any], owner: Any, ids: Sequence[str]
) -> list[tuple[Any, ...]]:
    """Return the values of the columns that rows of both owners have."""
    first, second = (select(*columns).where(owner == id_) for id_ in ids)
    return [tuple(row) for row in session.execute(first.intersect(second))]


def row_count(result: Any) -> int:
    """Return the number of rows that a statement changed."""
    return int(result.rowcount)
