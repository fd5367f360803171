"""Reports of deletions by age: rows that a run deleted, and rows that the next one would."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from shared_db.retention.tables import AgingTable, day_of


@dataclass
class RetentionReport:
    """Rows that one run deleted, by table.

    busy: students whose rows were locked by others, and stay until the next run. is_complete:
    False if the run was stopped, or its time was over. is_skipped: another process was at it.
    """

    deleted: Counter[str] = field(default_factory=Counter)
    busy: int = 0
    is_complete: bool = True
    is_skipped: bool = False

    @property
    def rows(self) -> int:
        """Number of all deleted rows."""
        return self.deleted.total()


@dataclass(frozen=True)
class Account:
    """Rows of a table that the present settings delete (`due`), or would without a hold (`held`).

    days: None if the kind is kept. oldest: the day of the oldest row that stays, if it is known.
    """

    kind: str
    table: str
    days: int | None
    due: int
    held: int
    oldest: date | None


def account_of_kept(session: Session, table: AgingTable) -> Account:
    """Return the account of a table whose rows are kept."""
    oldest = None if table.age is None else session.scalar(select(func.min(table.age)))
    return Account(table.ageing.kind, table.name, None, 0, 0, _day(oldest))


def accounts_of_due(
    session: Session,
    table: AgingTable,
    days: int | None,
    deleted: ColumnElement[bool],
    held: ColumnElement[bool],
) -> list[Account]:
    """Return the account of a table, and of those whose rows go with its rows."""
    kind, oldest = table.ageing.kind, None
    if table.age is not None:
        oldest = session.scalar(select(func.min(table.age)).where(~deleted))
    due, kept = (_count(session, table.table, which) for which in (deleted, held))
    found = [Account(kind, table.name, days, due, kept, _day(oldest))]
    for part, column in table.parts.items():
        due, kept = (
            _count(session, part, column.in_(select(table.key).where(which)))
            for which in (deleted, held)
        )
        found.append(Account(kind, str(part.name), days, due, kept, None))
    return found


def _day(oldest: Any) -> date | None:
    return None if oldest is None else day_of(oldest)


def _count(session: Session, table: Any, where: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(table).where(where)) or 0
