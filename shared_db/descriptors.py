"""File descriptors of this process: how many it may have, and the report when none is left."""

import errno
import logging
import os
import resource
import threading
from contextlib import suppress

from shared_db.errors import Overloaded

logger = logging.getLogger(__name__)

# Far above what one process of a service needs; hard limits can be a billion.
_ENOUGH = 65_536
# For connections to the database (two each), the spool's files, logs and libraries.
_RESERVE = 256
_DETAIL = "The service has no file descriptor left. Try again in a few seconds."


def raise_limit() -> None:
    """Raise the soft limit of this process, and of those it starts, towards the hard one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        # Some systems refuse less than the hard limit they name: then the soft one stays.
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def room_for_connections() -> int:
    """Return how many connections of clients leave descriptors for everything else."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        soft = _ENOUGH
    return max(soft - _RESERVE, soft // 2)


class _Report:
    """Logs a line when the last descriptor is taken, and one when there are some again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_exhausted = False

    def tell(self, *, is_exhausted: bool) -> None:
        with self._lock:
            if self._is_exhausted == is_exhausted:
                return
            self._is_exhausted = is_exhausted
        if is_exhausted:
            soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
            logger.error("no file descriptor is left (LimitNOFILE / ulimit -n: %d)", soft)
        else:
            logger.warning("there are file descriptors again")


_report = _Report()


def are_left() -> bool:
    """Try to open one; a change since the last try is logged."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as failure:
        if not _says_so(failure):
            raise
        _report.tell(is_exhausted=True)
        return False
    _report.tell(is_exhausted=False)
    return True


def shortage(failure: BaseException | None) -> Overloaded | None:
    """Return the refusal if the failure comes from a lack of descriptors, else None.

    libpq and SQLite keep only the words, and a resolver or an unreadable file not even these: then
    a try shows it.
    """
    if failure is None or not (_says_so(failure) or not are_left()):
        return None
    _report.tell(is_exhausted=True)
    return Overloaded(_DETAIL)


def _says_so(failure: BaseException) -> bool:
    if isinstance(failure, OSError):
        return failure.errno in (errno.EMFILE, errno.ENFILE)
    return "Too many open files" in str(failure)
