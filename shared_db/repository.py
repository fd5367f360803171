"""Repositories: the queries of a service by resource; each method is one transaction."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Generic, NamedTuple, TypeVar, Unpack

from sqlalchemy import Select
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.columns import Row
from shared_db.connection.database import Database
from shared_db.errors import DatabaseUnavailable, NotFound, ServiceError
from shared_db.queries.filters import Columns, conditions
from shared_db.queries.pagination import Keyset, Page, PageOptions
from shared_db.resilience.deadlines import time_limit
from shared_db.results import InsertResult
from shared_db.spool.access import SpoolAccess
from shared_db.spool.spoolable import I, R, SpoolableType
from shared_db.writes.group_commit import GroupCommit

T = TypeVar("T")

# The further time that each item of a batch may take before the batch is spooled.
_SECONDS_PER_ITEM = 1 / 500


class Manager:
    """Base of a service's manager: its database and the access of its repositories to the spool."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.spool = SpoolAccess()
        self.get_session = database.get_session

    @property
    def use_fallback(self) -> bool:
        """Return True if the in-memory store answers."""
        return self.database.use_fallback


class Repository:
    """Queries on one resource. Every public method is one transaction.

    spool: where rows wait while the database is away; by default nothing is spooled.
    """

    def __init__(self, database: Database, spool: SpoolAccess | None = None) -> None:
        self.database = database
        self.spool = spool or SpoolAccess()

    @property
    def use_fallback(self) -> bool:
        """Return True if the in-memory store answers."""
        return self.database.use_fallback

    def read(self, query: Callable[[Session], T]) -> T:
        """Run `query` in one read-only transaction. It may run twice: it has no side effect.

        Raises:
            DatabaseUnavailable: the server does not answer.
            DatabaseBusy: a time-out, or no connection left.

        """
        with self.database.reading() as session:
            return query(session)

    def read_snapshot(self, query: Callable[[Session], T]) -> T:
        """Run `query` as `read` does; all its statements read the same state of the rows.

        Raises:
            ServiceError: as `read`.

        """
        with self.database.snapshot() as session:
            return query(session)

    def read_filtered(self, query: Callable[[Session], T]) -> T:
        """Run `query`, with conditions of the caller, as `read` does.

        Raises:
            QueryTooExpensive: the query ran into the time-out.
            ServiceError: as `read`.

        """
        with self.database.reading_filtered() as session:
            return query(session)

    def page(
        self,
        keyset: Keyset,
        query: Select[T],
        columns: Columns | None = None,
        *,
        require: Callable[[Session], object] | None = None,
        **options: Unpack[PageOptions],
    ) -> Page[T]:
        """Return a page of `query` in the order of `keyset`.

        columns: those that filters may name. require: runs first in the transaction, and raises if
        the owner of the list does not exist.

        Raises:
            MalformedCursor: the cursor is not one of this list.
            QueryTooExpensive: a query with filters ran into the time-out.
            ServiceError: the refusal by `require`, or as `read`.

        """

        def page(session: Session) -> Page[T]:
            if require is not None:
                require(session)
            wanted = conditions(session, options.get("filters", ()), columns or {})
            after, limit = options.get("after"), options.get("limit", 100)
            return keyset.page(session, query.where(*wanted), after=after, limit=limit)

        return self.read_filtered(page) if columns else self.read(page)

    def write(self, change: Callable[[Session], T], *, wait_for_disk: bool = True) -> T:
        """Run `change` in one transaction: committed on return, rolled back on any error.

        wait_for_disk: as for `Database.unit_of_work`.

        Raises:
            DatabaseUnavailable: the server does not answer; after a lost connection the outcome is
                unknown, and repeating a request under the same id is safe.
            DatabaseBusy: a lock, a time-out, or no connection left.

        """
        with self.database.unit_of_work(wait_for_disk=wait_for_disk) as session:
            return change(session)

    def insert(self, type_: SpoolableType[I, R], item: I, insert: Callable[[Session, I], R]) -> R:
        """Run `insert` in one transaction; spool the item if the database is away.

        Raises:
            DatabaseUnavailable: the database is away, and nothing can be spooled.
            ServiceError: the refusal by `insert`, or the conflict of an id that waits already.

        """
        if self.spool.spool is None:
            return self.write(lambda session: insert(session, item))
        item = type_.stamped(item, utc_now())
        if self.spool.must_wait(type_, [item]):
            return self.spool.accept_one(type_, item)
        try:
            with time_limit(self.database.store.adding_seconds):
                row = self.write(lambda session: insert(session, item))
        except (DatabaseUnavailable, NotFound) as failure:
            return self.spool.accept_one(type_, item, self._outage(failure))
        if not row.is_replay:
            self.spool.record_stored(type_)
        return row

    def insert_many(
        self,
        type_: SpoolableType[I, Any],
        items: Sequence[I],
        insert: Callable[[Session, Sequence[I]], list[InsertResult]],
    ) -> list[InsertResult]:
        """Run `insert` for a batch as `Repository.insert` does; all are spooled if one has to be.

        Raises:
            ServiceError: as `Repository.insert`.

        """
        if self.spool.spool is None:
            return self.write(lambda session: insert(session, items))
        now = utc_now()
        stamped = [type_.stamped(item, now) for item in items]
        if self.spool.must_wait(type_, stamped):
            return self.spool.accept(type_, stamped)
        try:
            with time_limit(self.database.store.adding_seconds + len(items) * _SECONDS_PER_ITEM):
                return self.write(lambda session: insert(session, stamped))
        except (DatabaseUnavailable, NotFound) as failure:
            return self.spool.accept(type_, stamped, self._outage(failure))

    def get_or_spooled(
        self, type_: SpoolableType[Any, R], id_: str, query: Callable[[Session], R]
    ) -> R:
        """Run `query` as `read` does; if it finds nothing, return the waiting row of that id.

        Raises:
            ServiceError: the refusal by `query`, if no row of that id waits.

        """
        try:
            return self.read(query)
        except (DatabaseUnavailable, NotFound):
            pending = self.spool.find(type_, id_)
            if pending is None:
                raise
            return pending

    def _outage(self, failure: DatabaseUnavailable | NotFound) -> DatabaseUnavailable | None:
        """Return the outage for which an item is spooled; None if it waits for its student's row.

        Raises:
            NotFound: the item's student does not exist, and does not wait in the spool either.

        """
        if isinstance(failure, DatabaseUnavailable):
            return failure
        if not self.spool.holds(failure.members.values()):
            raise failure
        return None


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
            ServiceError: the refusal of the item, or as `Repository.insert`.

        """
        if self.spool.spool is None:
            return self.commits.write(*self._receive(item))
        item = self._type.stamped(item, utc_now())
        try:
            return self._noted(self.commits.write(*self._receive(item)))
        except DatabaseUnavailable as failure:
            return self.spool.accept_one(self._type, item, failure)

    async def insert_grouped_async(self, item: I) -> R:
        """Insert one item as `insert_grouped` does; the calling task waits, without a thread."""
        if self.spool.spool is None:
            return await self.commits.write_async(*self._receive(item))
        item = self._type.stamped(item, utc_now())
        try:
            self.database.require_available()
            return self._noted(await self.commits.write_async(*self._receive(item)))
        except DatabaseUnavailable as failure:
            # In a thread, because it waits for the disk; `to_thread` copies the request's context.
            return await asyncio.to_thread(self.spool.accept_one, self._type, item, failure)

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
