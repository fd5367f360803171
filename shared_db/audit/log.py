"""Log of reads of one process: rows of concurrent requests share one commit of the file."""

import logging
from collections.abc import Callable, Sequence

from shared_db.audit.rows import Chain, ChainedRead, Read
from shared_db.background_work.state_log import StateLog
from shared_db.errors import ServiceError
from shared_db.resilience import descriptors
from shared_db.spool.file import SpoolUnavailable
from shared_db.writes.group_commit import GroupCommit

logger = logging.getLogger(__name__)


class AuditUnavailable(ServiceError):
    """The read cannot be recorded, so a person is not answered."""

    slug = "audit-unavailable"
    status = 503
    title = "The read cannot be recorded"
    retry_after_seconds = 5


class ReadLog:
    """Chain of the reads of this process.

    store: stores chained reads, all or none. failure: the reason of the last failure; None once a
    read was stored again.
    """

    def __init__(self, service: str, store: Callable[[Sequence[ChainedRead]], None]) -> None:
        self.failure: str | None = None
        self._chain = Chain(service)
        self._store = store
        self._commits: GroupCommit[Read, None] = GroupCommit(self._append)
        self._states = StateLog(logger, "reads cannot be recorded", "reads are recorded again")

    async def record(self, read: Read) -> None:
        """Return once the read is stored.

        Raises:
            AuditUnavailable: it cannot be stored.
            Overloaded: the queue is full, or no file descriptor is left.

        """
        await self._commits.write_async(read, len(read.route) + sum(map(len, read.student_ids)))

    def drain(self) -> None:
        """Return once the waiting reads are stored."""
        self._commits.drain()

    def report(self, failure: Exception | None) -> None:
        """Note the outcome of a write, and log when failures begin and end."""
        reason = None if failure is None else str(failure) or type(failure).__qualname__
        self.failure = reason
        self._states.report(reason)

    def _append(self, reads: list[Read]) -> Sequence[None]:
        # One writer at a time: `GroupCommit` calls this in its own thread.
        try:
            self._store(self._chain.extend(reads))
        except (SpoolUnavailable, ServiceError) as failure:
            self._chain.end()
            self.report(failure)
            if shortage := descriptors.shortage(failure.__cause__):
                raise shortage from failure
            raise AuditUnavailable(
                "Reads of persons are answered only when they can be recorded, and the file of the "
                "audit cannot be written. Try again later; the operator finds the reason in /health"
                " and in the log."
            ) from failure
        except BaseException:
            self._chain.end()
            raise
        self.report(None)
        return [None] * len(reads)
