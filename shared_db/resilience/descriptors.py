"""File descriptors of this process: how many it may have, and the report when none is left."""

import errno
import logging
import os
import resource
import threading
import time
from contextlib import suppress
from pathlib import Path

from shared_db.errors import Overloaded

logger = logging.getLogger(__name__)

# Far above what one process of a service needs; hard limits can be a billion.
_ENOUGH = 65_536
# For connections to the database (two each), the spool's files, logs and libraries.
_RESERVE = 256
# With fewer free than these, many requests at once may take and release the last one in between.
_SCARCE = 64
CALM_SECONDS = 10
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
    """Logs a line when the last descriptor is taken, and one when that is over for a while."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._short_at: float | None = None

    @property
    def is_recent(self) -> bool:
        """Tell whether there was none left a moment ago."""
        return self._short_at is not None

    def tell_short(self) -> None:
        with self._lock:
            is_new, self._short_at = self._short_at is None, time.monotonic()
        if is_new:
            soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
            logger.error("no file descriptor is left (LimitNOFILE / ulimit -n: %d)", soft)

    def tell_left(self) -> None:
        with self._lock:
            if self._short_at is None or time.monotonic() - self._short_at < CALM_SECONDS:
                return
            self._short_at = None
        logger.warning("there are file descriptors again")


_report = _Report()


def are_left() -> bool:
    """Try to open one; a change is logged, the better one only when it has lasted."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as failure:
        if not _says_so(failure):
            raise
        _report.tell_short()
        return False
    _report.tell_left()
    return True


def shortage(failure: BaseException | None) -> Overloaded | None:
    """Return the refusal if the failure comes from a lack of descriptors, else None.

    libpq and SQLite keep only the words, or none: then a try shows it. One that others have
    released meanwhile does not make a failure without a reason the server's.
    """
    if failure is None:
        return None
    if _says_so(failure) or not are_left() or (_is_unexplained(failure) and _are_scarce()):
        _report.tell_short()
        return Overloaded(_DETAIL)
    return None


def _says_so(failure: BaseException) -> bool:
    if isinstance(failure, OSError):
        return failure.errno in (errno.EMFILE, errno.ENFILE)
    return "Too many open files" in str(failure)


def _is_unexplained(failure: BaseException) -> bool:
    # psycopg2 says nothing at all where libpq gets no socket; a server that is away leaves words.
    text = str(failure).strip()
    return not text or "could not translate host name" in text


def _are_scarce() -> bool:
    if _report.is_recent:
        return True
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        taken = sum(1 for _ in Path("/dev/fd").iterdir())
    except OSError as failure:
        return _says_so(failure)
    return soft != resource.RLIM_INFINITY and soft - taken < _SCARCE
