"""Deletion by age in staffstuddash, and the erasure of students who left long ago."""

from collections.abc import Callable, Collection, Sequence
from datetime import date
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session, aliased

from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.retention.reports import Account, RetentionReport
from shared_db.retention.repository import AgeRepository
from shared_db.retention.tables import AgingTable
from shared_db.spool.access import SpoolAccess
from shared_db.spool.purge import purge_students
from staffstuddash_service.datastore.erasure import erase_rows, ids_of_student
from staffstuddash_service.datastore.performance import recompute_each
from staffstuddash_service.datastore.roster.year_end import leavers
from staffstuddash_service.datastore.student_locks import lock_students
from staffstuddash_service.models import Base, EnrolmentRow, Hold

ACTOR = "retention"
LEAVERS = "leavers"
_LEAVERS_AT_ONCE = 500


class RetentionRepository(AgeRepository):
    """Rows deleted by age, and leavers erased.

    A performance record follows its marks and drafts: it is computed from those that stay.
    after_erasure: called after the erasure of leavers.
    """

    after_erasure: Callable[[], object] = staticmethod(lambda: None)

    def __init__(self, database: Database, spool: SpoolAccess) -> None:
        super().__init__(database, Base.metadata)
        self.spool = spool

    def held(self, session: Session) -> Select[Any]:  # noqa: ARG002 - as in other services
        """Return the query of the held students."""
        return select(Hold.student_id)

    def lock(self, session: Session, student_ids: Collection[str]) -> set[str]:
        """Lock students in the order of their ids; return those found."""
        return lock_students(session, student_ids)

    def is_due(self, session: Session, table: AgingTable, until: date) -> ColumnElement[bool]:
        """Return the condition of due rows; the last enrolment of a student stays.

        From its end the retention of leavers counts.
        """
        is_older = super().is_due(session, table, until)
        if table.table is not EnrolmentRow.__table__:
            return is_older
        later = aliased(EnrolmentRow)
        columns: Any = table.table.c
        has_held = or_(later.valid_from.is_(None), later.valid_from < later.valid_to)
        is_later = or_(
            later.valid_to.is_(None),
            has_held & (later.valid_to > columns.valid_to),
            has_held & (later.valid_to == columns.valid_to) & (later.id > columns.id),
        )
        is_same = later.student_id == columns.student_id
        return is_older & select(later.id).where(is_same, is_later).exists()

    def follow(
        self,
        session: Session,
        kind: str,
        student_ids: Sequence[str],
        until: date,  # noqa: ARG002 - as in other services
        before: Any,  # noqa: ARG002 - as in other services
    ) -> None:
        """Compute the records of students again whose marks or drafts were deleted."""
        if kind in ("marks", "drafts"):
            recompute_each(session, student_ids, utc_now())

    def run_kind(
        self, kind: str, tables: Sequence[AgingTable], until: date, report: RetentionReport
    ) -> None:
        """Delete the rows of one kind, or erase the students who had left by the day."""
        if kind == LEAVERS:
            self._erase_leavers(until, report)
        else:
            super().run_kind(kind, tables, until, report)

    def accounts_of(
        self, session: Session, table: AgingTable, limit: int | None, until: date | None
    ) -> list[Account]:
        """Return the account of a table; of the students, those who are erased as leavers.

        Their rows in other tables are not counted.
        """
        if table.ageing.kind != LEAVERS:
            return super().accounts_of(session, table, limit, until)
        oldest = leavers(utc_now().date()).subquery("left")
        if until is None:
            first = session.scalar(select(func.min(oldest.c.left_on)))
            return [Account(LEAVERS, table.name, None, 0, 0, first)]
        left = leavers(until).subquery("due")
        is_held = left.c.student_id.in_(self.held(session))
        counting = select(func.count()).select_from(left)
        due = session.scalar(counting.where(~is_held)) or 0
        held = session.scalar(counting.where(is_held)) or 0
        stays = or_(oldest.c.left_on > until, oldest.c.student_id.in_(self.held(session)))
        first = session.scalar(select(func.min(oldest.c.left_on)).where(stays))
        return [Account(LEAVERS, table.name, limit, due, held, first)]

    def _erase_leavers(self, until: date, report: RetentionReport) -> None:
        after = ""
        while not self.is_over:
            ids = self.read(partial(self._due_leavers, until=until, after=after))
            for student_id in ids:
                if self.is_over:
                    return
                self._erase(student_id, until, report)
            if len(ids) < _LEAVERS_AT_ONCE:
                return
            after = ids[-1]

    def _due_leavers(self, session: Session, *, until: date, after: str) -> Sequence[str]:
        found = leavers(until).subquery("due")
        query = select(found.c.student_id).where(
            found.c.student_id > after, found.c.student_id.not_in(self.held(session))
        )
        return session.scalars(query.order_by(found.c.student_id).limit(_LEAVERS_AT_ONCE)).all()

    def _erase(self, student_id: str, until: date, report: RetentionReport) -> None:
        found = self.attempt(partial(self._erase_if_left, student_id=student_id, until=until))
        if found is None:
            report.busy += 1
            return
        ids, removed = found
        if ids:
            report.deleted.update(removed)
            purge_students(self.spool, ids)
            self.after_erasure()

    def _erase_if_left(
        self, session: Session, *, student_id: str, until: date
    ) -> tuple[list[str], dict[str, int]]:
        lock_students(session, [student_id])
        # Since the page was read, the student may have been enrolled, or held.
        still = leavers(until).where(EnrolmentRow.student_id == student_id).subquery("due")
        held = select(Hold.student_id).where(Hold.student_id == student_id)
        if session.execute(select(still)).first() is None or session.scalar(held) is not None:
            return [], {}
        ids = ids_of_student(session, student_id)
        removed = erase_rows(session, student_id, ACTOR, is_memory=self.use_fallback)
        removed.pop("action_logs")  # kept, under a pseudonym
        return ids, removed
