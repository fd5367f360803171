"""States of import jobs."""

from enum import StrEnum


class ImportState(StrEnum):
    """State of an import.

    RECEIVING: its file is being sent. CHECKED: a dry run is over, and the file waits to be stored,
    checked again or cancelled. REFUSED: the file or a row was refused, and nothing was
    stored. FAILED: it was cancelled or interrupted.
    """

    RECEIVING = "receiving"
    WAITING = "waiting"
    RUNNING = "running"
    CHECKED = "checked"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Return True if nothing changes any more."""
        return self in {ImportState.DONE, ImportState.REFUSED, ImportState.FAILED}
