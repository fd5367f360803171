"""Results of inserts under ids that clients choose."""

from enum import StrEnum
from typing import NamedTuple

from shared_db.errors import ServiceError


class Outcome(StrEnum):
    """Outcome of inserting one row under its id; only imports of tables change stored rows."""

    STORED = "stored"
    CHANGED = "changed"
    REPEATED = "repeated"
    CONFLICT = "different"
    ERASED = "gone"
    REFUSED = "refused"


class OnConflict(StrEnum):
    """Treatment of a row of a table whose id is stored with other content."""

    REFUSE = "refuse"
    UPDATE = "update"


class InsertResult(NamedTuple):
    """Result of inserting one row, alone or in a batch.

    refusal: the reason if the row was neither stored nor a replay, where the outcome alone does not
    name it.
    """

    id: str
    outcome: Outcome
    refusal: ServiceError | None = None

    @property
    def is_stored(self) -> bool:
        """Return True if this insert stored the row."""
        return self.outcome is Outcome.STORED

    @property
    def is_in_database(self) -> bool:
        """Return True if the row is in the database, stored now or before."""
        return self.outcome in {Outcome.STORED, Outcome.REPEATED}


def refused(id_: str, refusal: ServiceError) -> InsertResult:
    """Return the result of a row that was refused before it was inserted."""
    return InsertResult(id_, Outcome.REFUSED, refusal)
