"""Batches of a deletion by age: about so many rows in one transaction."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from shared_db.retention.tables import AgingTable
from shared_db.row_moves import row_count

ROWS_AT_ONCE = 2_000


def groups_of(counts: Mapping[str, int]) -> Iterator[list[str]]:
    """Yield groups of students with about as many rows as one batch; one of many is alone."""
    group, rows = list[str](), 0
    for student_id, count in sorted(counts.items()):
        if group and rows + count > ROWS_AT_ONCE:
            yield group
            group, rows = [], 0
        group.append(student_id)
        rows += count
    if group:
        yield group


def delete_keys(session: Session, table: AgingTable, keys: Sequence[Any]) -> dict[str, int]:
    """Delete the rows of a table with these keys, and what goes with them; return the numbers."""
    if not keys:
        return {}
    deleted = {
        str(part.name): row_count(session.execute(delete(part).where(column.in_(keys))))
        for part, column in table.parts.items()
    }
    gone = session.execute(delete(table.table).where(table.key.in_(keys)))
    return {**deleted, table.name: row_count(gone)}
