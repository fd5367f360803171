"""Tombstones of erased students: copied into the log of erasures."""

import logging
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import select

from shared_db.clock import utc_now
from shared_db.errors import ConfigurationError
from shared_db.repository import Repository
from shared_db.retention.erasure_log import ErasureLog
from staffstuddash_service.datastore.erasure import erase_rows
from staffstuddash_service.models import Deletion

logger = logging.getLogger(__name__)

# An erasure may commit so long after the instant that its tombstone has.
_OVERLAP = timedelta(hours=1)


class TombstoneRepository(Repository):
    """Tombstones of erased students."""

    log: ErasureLog | None = None
    _logged_until: datetime | None = None

    def use_log(self, file: Path) -> None:
        """Copy tombstones into this file from now on."""
        self.log, self._logged_until = ErasureLog(file), None

    def record(self) -> int:
        """Copy the tombstones that the log lacks; return their number, 0 without a log.

        Raises:
            ConfigurationError: the log cannot be written.
            DatabaseUnavailable: the server does not answer.

        """
        if self.log is None:
            return 0
        now = utc_now()
        since = self._logged_until and self._logged_until - _OVERLAP
        count = self.log.add(found) if (found := self.erasures(since)) else 0
        self._logged_until = now
        return count

    def record_now(self) -> None:
        """Copy the tombstones of an erasure just done; a failure is logged, and tried again later.

        The erasure is committed, so its request must not fail.
        """
        try:
            self.record()
        except ConfigurationError as failure:
            logger.error("an erasure is not in ERASURE_LOG yet: %s", failure)  # noqa: TRY400 - it says all

    def erasures(self, since: datetime | None = None) -> dict[str, datetime]:
        """Return the instants of the erasures by pseudonym."""
        query = select(Deletion.pseudonym, Deletion.deleted_at)
        if since is not None:
            query = query.where(Deletion.deleted_at >= since)
        return self.read(lambda session: {row[0]: row[1] for row in session.execute(query)})

    def erase_again(self, student_id: str, *, actor: str) -> dict[str, int]:
        """Erase a student whom a restore brought back, also with a hold that came back, too.

        Returns the number of rows removed from each table.

        Raises:
            DatabaseBusy: the student is being merged.

        """
        erase = partial(erase_rows, student_id=student_id, actor=actor, also_held=True)
        return self.write(lambda session: erase(session, is_memory=self.use_fallback))
