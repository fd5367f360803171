"""Repositories: the queries of a service by resource; each method is one transaction."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar, Unpack

from sqlalchemy import Select
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.errors import DatabaseUnavailable, NotFound, ServiceError
from shared_db.ids import new_id
from shared_db.queries.filters import Columns, conditions
from shared_db.queries.pagination import Keyset, Page, PageOptions
from shared_db.resilience.deadlines import time_limit
from shared_db.results import InsertResult, refused
from shared_db.row_limits import row_limit
from shared_db.spool.access import SpoolAccess
from shared_db.spool.spoolable import I, R, SpoolableType

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
        """Run `query` in a session that only reads. It may run twice: it has no side effect.

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

    def read_filtered(self, query: Callable[[Session], T], *, is_snapshot: bool = False) -> T:
        """Run `query`, with conditions of the caller, as `read` does, or as `read_snapshot`.

        Raises:
            QueryTooExpensive: the query ran into the time-out.
            ServiceError: as `read`.

        """
        with self.database.reading_filtered(is_snapshot=is_snapshot) as session:
            return query(session)

    def page(
        self,
        keyset: Keyset,
        query: Select[T] | Callable[[Session], Select[T]],
        columns: Columns | None = None,
        *,
        require: Callable[[Session], object] | None = None,
        **options: Unpack[PageOptions],
    ) -> Page[T]:
        """Return a page of `query`, or of the one it returns, in the order of `keyset`.

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
            chosen = query if isinstance(query, Select) else query(session)
            return keyset.page(session, chosen.where(*wanted), after=after, limit=limit)

        return self.read_filtered(page) if columns else self.read(page)

    def write(
        self,
        change: Callable[[Session], T],
        *,
        wait_for_disk: bool = True,
        of: Collection[str] | None = None,
    ) -> T:
        """Run `change` in one transaction: committed on return, rolled back on any error.

        wait_for_disk, of: as for `Database.unit_of_work`.

        Raises:
            DatabaseUnavailable: the server does not answer; after a lost connection the outcome is
                unknown, and repeating a request under the same id is safe.
            DatabaseBusy: a lock, a time-out, or no connection left.
            ServiceError: as `Database.unit_of_work`.

        """
        with self.database.unit_of_work(wait_for_disk=wait_for_disk, of=of) as session:
            return change(session)

    def insert(
        self,
        type_: SpoolableType[I, R],
        item: I,
        insert: Callable[[Session, I], R],
        *,
        of: Collection[str] | None = None,
    ) -> R:
        """Run `insert` in one transaction; spool the item if the database is away.

        of: as for `Database.unit_of_work`. Nothing of a person with limited sight is spooled.

        Raises:
            DatabaseUnavailable: the database is away, and nothing can be spooled.
            ServiceError: the refusal by `insert`, or the conflict of an id that waits already.

        """
        if self.spool.spool is None:
            return self.write(lambda session: insert(session, item), of=of)
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
        *,
        of: Callable[[I], str] | None = None,
    ) -> list[InsertResult]:
        """Run `insert` for a batch as `Repository.insert` does; all are spooled if one has to be.

        of: the student of an item. Items of students out of a person's sight are refused one by
        one; without `of` such a person can insert none.

        Raises:
            ServiceError: as `Repository.insert`.

        """
        if of is not None and row_limit() is not None:
            return self.write_each(items, of, type_.id_of, insert)
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

    def write_each(
        self,
        items: Sequence[I],
        of: Callable[[I], str],
        id_of: Callable[[I], str | None],
        change: Callable[[Session, Sequence[I]], Sequence[InsertResult]],
    ) -> list[InsertResult]:
        """Run `change` on the items whose students are in the caller's sight.

        of: the student of an item; id_of: its id, if it has one. `change` returns the result of
        each item that it gets; the others are refused as those of absent students.

        Raises:
            ServiceError: as `write`.

        """
        students = {of(item) for item in items}
        with self.database.unit_of_work_of_each(students) as (session, refusals):
            seen = [item for item in items if of(item) not in refusals]
            results = iter(change(session, seen) if seen else ())
            return [
                refused(id_of(item) or new_id(), refusals[of(item)])
                if of(item) in refusals
                else next(results)
                for item in items
            ]

    def students_of(self, query: Select[str], absent: ServiceError) -> list[str] | None:
        """Return the students of a row that a person wants to change; None without such a limit.

        query: of the row's student.

        Raises:
            ServiceError: `absent`, if the person sees no such row.

        """
        if row_limit() is None:
            return None
        found = self.read(lambda session: session.scalar(query))
        if found is None:
            raise absent
        return [found]

    def get_or_spooled(
        self, type_: SpoolableType[Any, R], id_: str, query: Callable[[Session], R]
    ) -> R:
        """Run `query` as `read` does; if it finds nothing, return the waiting row of that id.

        A person with limited sight gets no waiting row.

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
