"""Purge of erased students' rows from the spool."""

import logging
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from shared_db.errors import DatabaseUnavailable
from shared_db.spool.access import SpoolAccess
from shared_db.spool.file import SpoolUnavailable

logger = logging.getLogger(__name__)

_AT_ONCE = 1000


def require_no_pending_writes(access: SpoolAccess, forms: Collection[str]) -> None:
    """Return if no row of the student waits, so that the student can be erased.

    forms: the id in its Unicode forms.

    Raises:
        DatabaseUnavailable: a row waits, and has to be replayed first.

    """
    if access.holds(forms):
        raise DatabaseUnavailable("Something of the student waits to be stored. Try again soon.")


def purge_students(access: SpoolAccess, subjects: Collection[str]) -> int:
    """Delete all rows of erased students from the spool; return their number.

    A spool that cannot be written keeps them until `purge_erased` can write it again.
    """
    spool = access.spool
    if spool is None or not subjects:
        return 0
    removed = 0
    with _retried_later():
        removed = spool.purge_subjects(subjects)
    if removed:
        logger.warning("%d rows of erased students were removed from the spool", removed)
    return removed


def purge_erased(
    access: SpoolAccess, erased_among: Callable[[Collection[str]], Collection[str]]
) -> int:
    """Delete the refused rows of erased students from the spool; return their number.

    erased_among: a manager's method that returns the erased ones among these students.
    """
    refused, erased = list[str](), set[str]()
    with _retried_later():
        refused = access.spool.subjects_refused() if access.spool else []
    for start in range(0, len(refused), _AT_ONCE):
        erased.update(erased_among(refused[start : start + _AT_ONCE]))
    return purge_students(access, erased)


@contextmanager
def _retried_later() -> Iterator[None]:
    """Log that the spool cannot be used: the student is erased from the database all the same."""
    try:
        yield
    except SpoolUnavailable as failure:
        logger.error("erased students cannot be forgotten: %s", failure)  # noqa: TRY400 - one line
