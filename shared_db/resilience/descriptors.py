"""File descriptors of this process: their limit, and the report when none is left."""

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

# Far above the need of one process of a service; hard limits can be a billion.
_ENOUGH = 65_536
# For connections to the database (two each), the spool's files, logs and libraries.
_RESERVE = 256
# With fewer free than these, many requests at once may take and release the last one in between.
_SCARCE = 64
CALM_SECONDS = 10
_DETAIL = "The service has no file descriptor left. Try again in a few seconds."


def raise_limit() -> None:
    """Raise the soft limit of this process, and of its children, towards the hard one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        # Some systems refuse even less than their hard limit: then the soft one stays.
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def room_for_connections() -> int:
    """Return the number of client connections that leaves descriptors for everything else."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        soft = _ENOUGH
    return max(soft - _RESERVE, soft // 2)


class _Report:
    """Log of the shortage: one line when the last descriptor is taken, one when it is over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._short_at: float | None = None

    @property
    def is_recent(self) -> bool:
        """Return True if there was no descriptor left a moment ago."""
        return self._short_at is not None

    def record_shortage(self) -> None:
        with self._lock:
            is_new, self._short_at = self._short_at is None, time.monotonic()
        if is_new:
            soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
            logger.error("no file descriptor is left (LimitNOFILE / ulimit -n: %d)", soft)

    def record_free(self) -> None:
        with self._lock:
            if self._short_at is None or time.monotonic() - self._short_at < CALM_SECONDS:
                return
            self._short_at = None
        logger.warning("there are file descriptors again")


_report = _Report()


def are_left() -> bool:
    """Return True if a descriptor can be opened; log a change, a recovery only when it lasts."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as failure:
        if not _is_named_in(failure):
            raise
        _report.record_shortage()
        return False
    _report.record_free()
    return True


def shortage(failure: BaseException | None) -> Overloaded | None:
    """Return the refusal if the failure comes from a lack of descriptors, else None.

    libpq and SQLite keep only the text of the error, or nothing: then opening a descriptor shows
    it. Another request may have released one meanwhile, so a failure without a reason counts as a
    shortage while descriptors are scarce.
    """
    if failure is None:
        return None
    if _is_named_in(failure) or not are_left() or (_is_unexplained(failure) and _are_scarce()):
        _report.record_shortage()
        return Overloaded(_DETAIL)
    return None


def _is_named_in(failure: BaseException) -> bool:
    if isinstance(failure, OSError):
        return failure.errno in (errno.EMFILE, errno.ENFILE)
    return "Too many open files" in str(failure)


def _is_unexplained(failure: BaseException) -> bool:
    # psycopg2 has no text where libpq gets no socket; for a server that is away it has one.
    text = str(failure).strip()
    return not text or "could not translate host name" in text


def _are_scarce() -> bool:
    if _report.is_recent:
        return True
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        taken = sum(1 for _ in Path("/dev/fd").iterdir())
    except OSError as failure:
        return _is_named_in(failure)
    return soft != resource.RLIM_INFINITY and soft - taken < _SCARCE
