"""Forgetting in the spool: students who were erased leave nothing in its file."""

import logging
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from shared_db.connection.database import Database
from shared_db.errors import DatabaseUnavailable
from shared_db.spool.queue import SpoolUnavailable, asked

logger = logging.getLogger(__name__)

_AT_ONCE = 1000


def require_no_pending_writes(database: Database, subject: str) -> None:
    """Let a student be erased only when nothing of theirs waits.

    Raises:
        DatabaseUnavailable: something waits, and is given back first.

    """
    spool = database.spool
    if spool and asked(lambda: spool.holds([subject]), unknown=False):
        raise DatabaseUnavailable("Something of the student waits to be stored. Try again soon.")


def purge_students(database: Database, subjects: Collection[str]) -> int:
    """Delete from the spool what is there of erased students; return how many additions.

    A spool that cannot be written keeps them until `forget_erased` finds it mended.
    """
    spool = database.spool
    if spool is None or not subjects:
        return 0
    removed = 0
    with _tried_again_later():
        removed = spool.forget_subjects(subjects)
    if removed:
        logger.warning("%d rows of erased students were removed from the spool", removed)
    return removed


def forget_erased(
    database: Database, erased_among: Callable[[Collection[str]], Collection[str]]
) -> int:
    """Delete from the spool what was refused of students who are erased; return how many additions.

    erased_among: a manager's method that tells which of the students are.
    """
    refused, erased = list[str](), set[str]()
    with _tried_again_later():
        refused = database.spool.subjects_refused() if database.spool else []
    for start in range(0, len(refused), _AT_ONCE):
        erased.update(erased_among(refused[start : start + _AT_ONCE]))
    return purge_students(database, erased)


@contextmanager
def _tried_again_later() -> Iterator[None]:
    """Say that the spool cannot be used: the student is erased all the same."""
    try:
        yield
    except SpoolUnavailable as failure:
        logger.error("erased students cannot be forgotten: %s", failure)  # noqa: TRY400 - one line
