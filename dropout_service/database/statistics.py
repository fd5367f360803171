"""Statistics of the planner after erasures: they hold values of rows that were deleted."""

from collections.abc import Sequence
from functools import partial

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dropout_service.models import Base, Deletion
from shared_db.connection.database import Database
from shared_db.queries.statistics import due_tables, refresh_statistics, tables_of_students
from shared_db.repository import Repository

_SCHEMA = "dropout"


class StatisticsRepository(Repository):
    """Statistics of the planner after erasures; the in-memory store has none.

    seconds_between: the statistics of a table are computed at most so often.
    """

    def __init__(self, database: Database, *, seconds_between: float = 300) -> None:
        super().__init__(database)
        self._seconds_between = seconds_between

    def refresh_due(self) -> int:
        """Refresh the tables with statistics from before the last erasure; return their number.

        Raises:
            DatabaseBusy: a table takes too long; those before it are refreshed.

        """
        if self.use_fallback:
            return 0
        tables = self.read(self._due)
        self.refresh(tables)
        return len(tables)

    def refresh(self, tables: Sequence[str]) -> None:
        """Refresh the statistics of these tables, each in a transaction of its own."""
        for table in tables:
            self.write(partial(refresh_statistics, schema=_SCHEMA, table=table))

    def _due(self, session: Session) -> Sequence[str]:
        erased_at = session.scalar(select(func.max(Deletion.deleted_at)))
        if erased_at is None:
            return []
        of_students = tables_of_students(Base.metadata)
        return due_tables(session, _SCHEMA, of_students, erased_at, self._seconds_between)
