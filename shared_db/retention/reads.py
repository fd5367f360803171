"""Deletion of reads by age: whole chains of past days, so that the others can still be verified.

The services may not delete reads, so this is for the owner of the tables.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, or_, select
from sqlalchemy.orm import Session

from shared_db.audit.listing import ReadTables
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.repository import Repository
from shared_db.retention.reports import Account
from shared_db.row_moves import row_count

AUDIT = "audit"

# Returns the query of the ids of held students; None: there are none.
HeldStudents = Callable[[Session], Select[Any] | None]


class ReadRetention(Repository):
    """Reads of one service. A chain with a read of a held student stays as a whole."""

    def __init__(self, database: Database, tables: ReadTables, held: HeldStudents) -> None:
        super().__init__(database)
        self._reads, self._subjects = tables.reads, tables.subjects
        self._held = held

    def run(self, days: int) -> dict[str, int]:
        """Delete the chains that ended at least so many whole days (UTC) ago; return the numbers.

        Each chain is one transaction; the work may be stopped and repeated.

        Raises:
            DatabaseUnavailable: the server does not answer.

        """
        deleted = {self._reads.__tablename__: 0, self._subjects.__tablename__: 0}
        for chain in self.read(lambda session: self._due(session, days)):
            for table, count in self.write(partial(self._delete, chain=chain)).items():
                deleted[table] += count
        return deleted

    def account(self, days: int | None) -> list[Account]:
        """Return the rows that `run` deletes now, and those that a hold keeps, by table.

        days: None if reads are kept.

        Raises:
            DatabaseUnavailable: the server does not answer.

        """
        return self.read_snapshot(lambda session: self._accounts(session, days))

    def _accounts(self, session: Session, days: int | None) -> list[Account]:
        due = [] if days is None else self._due(session, days)
        old = [] if days is None else self._old(session, days)
        oldest = session.scalar(select(func.min(self._reads.read_at)))
        day = None if oldest is None else oldest.astimezone(UTC).date()
        found = []
        for table in (self._reads, self._subjects):
            count = select(func.count()).select_from(table)
            gone = session.scalar(count.where(table.chain.in_(due))) or 0
            all_old = session.scalar(count.where(table.chain.in_(old))) or 0
            found.append(Account(AUDIT, table.__tablename__, days, gone, all_old - gone, day))
        return found

    def _old(self, session: Session, days: int) -> list[str]:
        """Return the chains whose last read is old enough, sorted."""
        last = func.max(self._reads.read_at)
        query = select(self._reads.chain).group_by(self._reads.chain)
        return sorted(session.scalars(query.having(last < _midnight(days))))

    def _due(self, session: Session, days: int) -> list[str]:
        held = self._held(session)
        kept: set[str] = set()
        if held is not None:
            subjects = self._subjects
            is_held: ColumnElement[bool] = or_(
                subjects.student_id.in_(held), subjects.read_as.in_(held)
            )
            kept = set(session.scalars(select(subjects.chain).distinct().where(is_held)))
        return [chain for chain in self._old(session, days) if chain not in kept]

    def _delete(self, session: Session, chain: str) -> dict[str, int]:
        return {
            table.__tablename__: row_count(
                session.execute(delete(table).where(table.chain == chain))
            )
            for table in (self._subjects, self._reads)
        }


def _midnight(days: int) -> datetime:
    day: date = utc_now().date() - timedelta(days=days)
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
