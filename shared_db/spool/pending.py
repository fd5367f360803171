"""Pending rows: additions that were accepted and are not in the database yet, by student."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial

from shared_db.connection.database import Database
from shared_db.spool.queue import asked


@dataclass(frozen=True)
class Pending:
    """Numbers of additions that wait in the spool, by student.

    counts: without zeros; None where the spool could not be read.
    """

    counts: Mapping[str, int] | None

    def of(self, student_id: str) -> int | None:
        """Return how many wait of the student; None if that is not known."""
        return None if self.counts is None else self.counts.get(student_id, 0)


NOTHING_PENDING = Pending({})


def pending_of(database: Database, students: Collection[str] | None = None) -> Pending:
    """Return what waits of these students, or of all, in the spool of this process.

    Ask before the rows are read. A row leaves the spool after its commit: in the other order one
    could be missing in both.
    """
    spool = database.spool
    if spool is None:
        return Pending(None) if database.spool_failure else NOTHING_PENDING
    return Pending(asked(partial(spool.waiting_of, students), None))
