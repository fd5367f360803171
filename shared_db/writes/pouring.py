"""Commit without waiting for the disk; `Database.unit_of_work(wait_for_disk=False)` replaces it."""

from sqlalchemy import text
from sqlalchemy.orm import Session

_NOT_WAITING = text("SET LOCAL synchronous_commit = off")


def commit_without_waiting(session: Session) -> None:
    """Commit this unit of work before it is on the disk, see `Database.unit_of_work`."""
    session.execute(_NOT_WAITING)
