"""Pending rows: rows that were accepted and are not in the database yet, by student."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial

from shared_db.row_limits import row_limit
from shared_db.spool.access import SpoolAccess, best_effort


@dataclass(frozen=True)
class Pending:
    """Numbers of rows that wait in the spool, by student.

    counts: without zeros; None if the spool could not be read.
    """

    counts: Mapping[str, int] | None

    def of(self, student_id: str) -> int | None:
        """Return the number of waiting rows of the student; None if it is unknown."""
        return None if self.counts is None else self.counts.get(student_id, 0)


NOTHING_PENDING = Pending({})


def pending_of(access: SpoolAccess, students: Collection[str] | None = None) -> Pending:
    """Return the numbers of waiting rows of these students, or of all.

    They are unknown in the request of a person with limited sight. Call it before the rows are read
    from the database. A row leaves the spool after its commit: in the other order it could be
    missing in both.
    """
    if row_limit() is not None:
        return Pending(None)
    spool = access.spool
    if spool is None:
        return Pending(None) if access.failure else NOTHING_PENDING
    return Pending(best_effort(partial(spool.waiting_of, students), None))
