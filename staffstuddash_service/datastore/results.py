"""What became of the rows of a batch."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared_db.errors import ServiceError
from shared_db.spool.writes import PendingRow, Returned
from shared_db.writes.idempotent_insert import Outcome


@dataclass(frozen=True)
class Result:
    """What became of one row of a batch: its outcome, or why it was refused."""

    id: str
    outcome: Outcome | None
    refusal: ServiceError | None = None

    @property
    def is_stored(self) -> bool:
        """Tell whether the row is a new one."""
        return self.outcome is Outcome.STORED

    @property
    def returned(self) -> Returned:
        """What is told of a row that was given back from the spool."""
        if self.refusal is not None:
            return self.refusal
        assert self.outcome is not None  # noqa: S101 - one of the two
        return self.outcome


def pending_results(rows: Sequence[tuple[PendingRow, Outcome]]) -> list[Result]:
    """Return the results of rows that wait in the spool."""
    return [Result(row.id, outcome) for row, outcome in rows]
