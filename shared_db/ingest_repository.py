"""Repository of events, whose single inserts share transactions."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Generic, NamedTuple

from anyio import to_thread
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.columns import Row
from shared_db.connection.database import Database
from shared_db.connection.persons import require_system
from shared_db.errors import DatabaseUnavailable, ServiceError
from shared_db.repository import Repository
from shared_db.resilience.deadlines import time_limit
from shared_db.spool.access import SpoolAccess
from shared_db.spool.spoolable import I, R, SpoolableType
from shared_db.writes.group_commit import GroupCommit


class Received(NamedTuple):
    """Row of an item that waits to be inserted, and the bytes of its JSON."""

    row: Row
    size: int


class IngestRepository(Repository, Generic[I, R]):
    """Repository whose single inserts share transactions by group commit.

    type_: is not ordered. receive: returns the row of an item. insert_each: inserts rows and
    returns, in order, the stored row or the refusal of each; it is called again with some of the
    rows after their first attempt was rolled back.
    """

    def __init__(
        self,
        database: Database,
        spool: SpoolAccess | None,
        type_: SpoolableType[I, R],
        receive: Callable[[I], Received],
        insert_each: Callable[[Session, list[Row]], Sequence[R | ServiceError]],
    ) -> None:
        super().__init__(database, spool)
        self._type = type_
        self._receive = receive
        self._insert_each = insert_each
        self.commits: GroupCommit[Row, R] = GroupCommit(self._flush)

    def insert_grouped(self, item: I) -> R:
        """Insert one item together with those that come at the same time.

        Raises:
            Overloaded: too many items wait.
            NotForPersons: the request is that of a person with limited sight.
            ServiceError: the refusal of the item, or as `Repository.insert`.

        """
        require_system()  # one transaction holds the events of many callers
        if self.spool.spool is None:
            return self.commits.write(*self._receive(item))
        item = self._type.stamped(item, utc_now())
        try:
            return self._noted(self.commits.write(*self._receive(item)))
        except DatabaseUnavailable as failure:
            return self.spool.accept_one(self._type, item, failure)

    async def insert_grouped_async(self, item: I) -> R:
        """Insert one item as `insert_grouped` does; the calling task waits, without a thread."""
        require_system()  # one transaction holds the events of many callers
        if self.spool.spool is None:
            return await self.commits.write_async(*self._receive(item))
        item = self._type.stamped(item, utc_now())
        try:
            self.database.require_available()
            return self._noted(await self.commits.write_async(*self._receive(item)))
        except DatabaseUnavailable as failure:
            # In a thread, because it waits for the disk; not in one of `asyncio.to_thread`, since
            # these are for requests, which may all be waiting for the database.
            return await to_thread.run_sync(self.spool.accept_one, self._type, item, failure)

    def _noted(self, row: R) -> R:
        if not row.is_replay:
            self.spool.record_stored(self._type)
        return row

    def _flush(self, rows: list[Row]) -> Sequence[R | ServiceError]:
        seconds = self.database.store.adding_seconds
        limit: AbstractContextManager[None] = (
            time_limit(seconds) if self.spool.spool else nullcontext()
        )
        with limit, self.database.unit_of_work() as session:
            return self._insert_each(session, rows)
