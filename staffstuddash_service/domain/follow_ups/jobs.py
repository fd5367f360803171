"""States of import jobs."""

from enum import StrEnum


class ImportState(StrEnum):
    """State of an import.

    RECEIVING: its file is being sent. REFUSED: the file or a row was refused, and nothing was
    stored. FAILED: it was cancelled or interrupted.
    """

    RECEIVING = "receiving"
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Return True if nothing changes any more."""
        return self in {ImportState.DONE, ImportState.REFUSED, ImportState.FAILED}
