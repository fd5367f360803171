"""Last uses of keys: noted in memory, stored by a task of the service."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import structlog
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.repository import Repository
from shared_db.resilience.deadlines import time_limit
from shared_web.auth.tables import KeyUse
from shared_web.failures import describe_failure

logger = structlog.stdlib.get_logger("veritas.key_uses")

STORE_SECONDS = 300.0


class KeyUses(Repository):
    """Uses of keys in one process of a service, and their table.

    The table serves people who look for keys without use. So a use may be lost with the process,
    and an outage loses none of those after it.
    """

    def __init__(self, database: Database, service: str) -> None:
        super().__init__(database)
        self._service = service
        self._noted: dict[str, datetime] = {}

    def note(self, name: str) -> None:
        """Keep this instant as the last use of the key, in memory."""
        self._noted[name] = utc_now()

    def store(self) -> None:
        """Store the noted uses, one row for each key.

        Raises:
            ServiceError: the database refused or does not answer; the uses stay noted.

        """
        noted, self._noted = self._noted, {}
        if not noted:
            return
        # All processes lock the rows in the same order, so they cannot deadlock.
        rows = [
            {"key_name": name, "service": self._service, "last_used_at": noted[name]}
            for name in sorted(noted)
        ]

        def upsert(session: Session) -> None:
            query = insert(KeyUse).values(rows)
            latest = func.greatest(KeyUse.last_used_at, query.excluded.last_used_at)
            session.execute(
                query.on_conflict_do_update(
                    index_elements=["key_name", "service"], set_={"last_used_at": latest}
                )
            )

        try:
            with time_limit(self.database.store.adding_seconds):
                self.write(upsert)
        except BaseException:
            self._noted = noted | self._noted
            raise


@asynccontextmanager
async def storing(uses: KeyUses, seconds: float = STORE_SECONDS) -> AsyncIterator[None]:
    """Store the uses every so many seconds during the context, and once at its end.

    A failure is logged; the uses are stored with the next ones.
    """
    task = asyncio.create_task(_repeat(uses, seconds))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await _store(uses)


async def _repeat(uses: KeyUses, seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        await _store(uses)


async def _store(uses: KeyUses) -> None:
    try:
        await run_in_threadpool(uses.store)
    except Exception as failure:  # noqa: BLE001 - it is logged, and the uses stay noted
        logger.warning("uses of keys cannot be stored", **describe_failure(failure))
