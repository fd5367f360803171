"""What an import does once per batch, so that its rows come in as fast as PostgreSQL takes them."""

from sqlalchemy import text
from sqlalchemy.orm import Session

_NOT_WAITING = text("SET LOCAL synchronous_commit = off")


def commit_without_waiting(session: Session) -> None:
    """Let this unit of work be committed before it is on the disk. PostgreSQL only.

    For imports, which may be repeated: after a crash of the server the latest batches may be
    missing, each as a whole, and the next run stores them. The unit of work that ends the import
    must wait as usual, since what was committed before it is then on the disk, too.
    """
    session.execute(_NOT_WAITING)
