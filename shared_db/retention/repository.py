"""Repository that deletes the rows of a service by age, and accounts for them before.

Rows of students are deleted student by student: each transaction locks its students, so no writer
and no hold comes in between, and derived values follow in it. Other rows are deleted the oldest
first. A transaction deletes some thousand rows; the days of a student with more are several
transactions. So the work may be stopped at any time, and continues with the next run.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from itertools import groupby
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, MetaData, Select, delete, func, select
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.errors import DatabaseBusy
from shared_db.repository import Repository
from shared_db.retention.batches import ROWS_AT_ONCE, delete_keys, groups_of
from shared_db.retention.reports import (
    Account,
    RetentionReport,
    account_of_kept,
    accounts_of_due,
)
from shared_db.retention.tables import AgingTable, aging_tables, day_of
from shared_db.retention.turn import turn
from shared_db.row_moves import row_count

R = TypeVar("R")

_STUDENTS_AT_ONCE = 500
# A further attempt waits once more for the locks of a writer.
_ATTEMPTS = 3
_UNCHANGED = {"synchronize_session": False}


class AgeRepository(Repository):
    """Rows deleted by age, for one service; a service overrides what differs."""

    def __init__(self, database: Database, metadata: MetaData) -> None:
        super().__init__(database)
        self._turn = f"retention of {metadata.schema}"
        self._stopped = threading.Event()
        self._ends_at: float | None = None
        self.tables = aging_tables(metadata)

    def run(self, days: Mapping[str, int], *, most_seconds: float | None = None) -> RetentionReport:
        """Delete the rows that are at least so many whole days (UTC) old, by kind.

        A second process at the same time deletes nothing. most_seconds: no transaction begins
        later; the next run continues.

        Raises:
            DatabaseUnavailable: the server does not answer.

        """
        report = RetentionReport()
        self._stopped.clear()
        with turn(self.database, self._turn) as is_ours:
            if not is_ours:
                return RetentionReport(is_complete=False, is_skipped=True)
            self._ends_at = None if most_seconds is None else time.monotonic() + most_seconds
            for kind, tables in groupby(self.tables, lambda each: each.ageing.kind):
                if kind in days:
                    until = utc_now().date() - timedelta(days=days[kind])
                    self.run_kind(kind, list(tables), until, report)
        report.is_complete = not self.is_over
        return report

    def stop(self) -> None:
        """End the present run after its transaction."""
        self._stopped.set()

    @property
    def is_over(self) -> bool:
        """Return True if no further transaction should begin."""
        is_late = self._ends_at is not None and time.monotonic() >= self._ends_at
        return is_late or self._stopped.is_set()

    def account(self, days: Mapping[str, int]) -> list[Account]:
        """Return what a run deletes now, table by table; all counts are of one instant.

        Raises:
            DatabaseUnavailable: the server does not answer.
            DatabaseBusy: the tables are too large for the time-out of a statement.

        """
        today = utc_now().date()

        def accounts(session: Session) -> list[Account]:
            found = list[Account]()
            for table in self.tables:
                limit = days.get(table.ageing.kind)
                until = None if limit is None else today - timedelta(days=limit)
                found += self.accounts_of(session, table, limit, until)
            return found

        return self.read_snapshot(accounts)

    # Parts that a service overrides.

    def held(self, session: Session) -> Select[Any] | None:  # noqa: ARG002 - of a service
        """Return the query of the held students, under all of their ids; None: there are none."""
        return None

    def lock(self, session: Session, student_ids: Collection[str]) -> set[str]:
        """Lock students in the order of their ids; return those found."""
        raise NotImplementedError

    def is_due(self, session: Session, table: AgingTable, until: date) -> ColumnElement[bool]:  # noqa: ARG002 - of a service
        """Return the condition of the rows that are deleted, without regard to holds."""
        return table.is_older(until)

    def before(self, session: Session, kind: str, student_ids: Sequence[str], until: date) -> Any:
        """Return what `follow` needs to know of the rows before they are deleted."""

    def follow(
        self, session: Session, kind: str, student_ids: Sequence[str], until: date, before: Any
    ) -> None:
        """Correct values that were derived from rows just deleted; the students are locked."""

    def run_kind(
        self, kind: str, tables: Sequence[AgingTable], until: date, report: RetentionReport
    ) -> None:
        """Delete the rows of one kind, of which no transaction begins after `is_over`."""
        of_students = [table for table in tables if table.students is not None]
        if of_students:
            self._run_by_students(kind, of_students, until, report)
        for table in tables:
            if table.students is None:
                self._run_by_rows(table, until, report)

    def delete_oldest(
        self, session: Session, table: AgingTable, until: date, limit: int
    ) -> dict[str, int]:
        """Delete up to so many rows of no student, the oldest first; return the number by table."""
        chosen = select(table.key).where(self.due(session, table, until))
        oldest = chosen.order_by(table.age, table.key).limit(limit)
        keys = session.scalars(oldest.with_for_update(skip_locked=True)).all()
        return delete_keys(session, table, keys)

    # The mechanism.

    def due(self, session: Session, table: AgingTable, until: date) -> ColumnElement[bool]:
        """Return the condition of the rows that are deleted: due, and of no held student."""
        return self.is_due(session, table, until) & ~self._is_held(session, table)

    def _is_held(self, session: Session, table: AgingTable) -> ColumnElement[bool]:
        held = self.held(session)
        if held is None or table.student is None:
            return ~select(1).exists()
        return table.student.in_(held)

    def accounts_of(
        self, session: Session, table: AgingTable, limit: int | None, until: date | None
    ) -> list[Account]:
        """Return the account of a table, and of those whose rows go with its rows."""
        if until is None:
            return [account_of_kept(session, table)]
        is_due, is_held = self.is_due(session, table, until), self._is_held(session, table)
        return accounts_of_due(session, table, limit, is_due & ~is_held, is_due & is_held)

    def _run_by_rows(self, table: AgingTable, until: date, report: RetentionReport) -> None:
        while not self.is_over:
            batch = partial(self.delete_oldest, table=table, until=until, limit=ROWS_AT_ONCE)
            deleted = self.write(batch)
            report.deleted.update(deleted)
            if deleted.get(table.name, 0) < ROWS_AT_ONCE:
                return

    def _run_by_students(
        self, kind: str, tables: Sequence[AgingTable], until: date, report: RetentionReport
    ) -> None:
        for counts in self._pages(tables, until):
            for group in groups_of(counts):
                self._run_group(kind, tables, group, until, report)
                if self.is_over:
                    return

    def _pages(self, tables: Sequence[AgingTable], until: date) -> Iterator[Mapping[str, int]]:
        """Yield the numbers of due rows by student, for some hundred students at a time."""
        students = tables[0].students
        assert students is not None  # noqa: S101 - the tables are those of students
        after = ""
        while not self.is_over:
            query = select(students.c.id).where(students.c.id > after).order_by(students.c.id)
            page = partial(self._page, query.limit(_STUDENTS_AT_ONCE), tables, until)
            ids, counts = self.read(page)
            yield counts
            if len(ids) < _STUDENTS_AT_ONCE:
                return
            after = ids[-1]

    def _page(
        self, query: Select[Any], tables: Sequence[AgingTable], until: date, session: Session
    ) -> tuple[Sequence[str], Mapping[str, int]]:
        ids = session.scalars(query).all()
        counts = Counter[str]()
        for table in tables:
            if ids and table.student is not None:
                of_students = table.student.in_(ids) & self.due(session, table, until)
                counting = select(table.student, func.count()).where(of_students)
                for student_id, count in session.execute(counting.group_by(table.student)):
                    counts[student_id] += count
        return ids, counts

    def _run_group(
        self,
        kind: str,
        tables: Sequence[AgingTable],
        group: Sequence[str],
        until: date,
        report: RetentionReport,
    ) -> None:
        is_done = False
        while not is_done and not self.is_over:
            change = partial(self._delete_of, kind=kind, tables=tables, ids=group, until=until)
            found = self.attempt(change)
            if found is None:
                report.busy += len(group)
                return
            deleted, is_done = found
            report.deleted.update(deleted)

    def attempt(self, change: Callable[[Session], R]) -> R | None:
        """Run a change in a transaction; return None if others hold its locks for too long."""
        for _ in range(_ATTEMPTS):
            try:
                return self.write(change)
            except DatabaseBusy:
                if self.is_over:
                    break
        return None

    def _delete_of(
        self,
        session: Session,
        *,
        kind: str,
        tables: Sequence[AgingTable],
        ids: Sequence[str],
        until: date,
    ) -> tuple[Counter[str], bool]:
        """Delete the due rows of students up to a day; return their numbers, and True if done.

        All rows of the kind of one day go in one transaction.
        """
        locked = sorted(self.lock(session, ids))
        day = self._last_day(session, tables, locked, until)
        deleted, changed = Counter[str](), set[str]()
        before = self.before(session, kind, locked, day)
        for table in tables:
            assert table.student is not None  # noqa: S101 - the tables are those of students
            where = table.student.in_(locked) & self.due(session, table, day)
            for part, column in table.parts.items():
                is_part = column.in_(select(table.key).where(where))
                gone = session.execute(delete(part).where(is_part), execution_options=_UNCHANGED)
                deleted[str(part.name)] += row_count(gone)
            statement = delete(table.table).where(where).returning(table.student)
            owners = session.scalars(statement, execution_options=_UNCHANGED).all()
            deleted[table.name] += len(owners)
            changed.update(owners)
        if changed:
            self.follow(session, kind, sorted(changed), day, before)
        return deleted, day >= until

    def _last_day(
        self, session: Session, tables: Sequence[AgingTable], ids: Sequence[str], until: date
    ) -> date:
        """Return the day up to which the students have about as many rows as one batch."""
        day = until
        for table in tables:
            if table.age is None or table.student is None:
                continue
            theirs = select(table.age).where(
                table.student.in_(ids), self.due(session, table, until)
            )
            ages = theirs.order_by(table.age)
            last = session.scalar(ages.offset(ROWS_AT_ONCE).limit(1))
            if last is not None:
                # At least one day, so that every transaction deletes rows.
                first = day_of(session.scalar(ages.limit(1)))
                day = min(day, max(day_of(last), first + timedelta(days=1)))
        return day
