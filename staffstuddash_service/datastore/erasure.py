"""Erasure of a student: all rows are deleted, and a tombstone without the id stays.

The statistics of the tables are refreshed afterwards, since they hold values of deleted rows.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import delete, func, null, or_, select, text, update
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.errors import DatabaseBusy
from shared_db.pseudonyms import equivalent_ids, pseudonym_of
from shared_db.queries.statistics import due_tables, refresh_statistics, tables_of_students
from shared_db.repository import Repository
from shared_db.writes.idempotent_insert import content_digest
from staffstuddash_service.datastore.actions import log_action
from staffstuddash_service.datastore.mail.outbox import delete_mails_naming
from staffstuddash_service.datastore.student_locks import MERGED_MEANWHILE
from staffstuddash_service.domain.follow_ups.states import ActionState
from staffstuddash_service.errors import StudentHeld
from staffstuddash_service.models import (
    ActionLog,
    AdvisingRow,
    Alias,
    AssessmentLog,
    Base,
    BreakGlass,
    ConceptStanding,
    Deletion,
    DemographicsRow,
    Draft,
    EnrolmentRow,
    GuardianRow,
    Hold,
    IdentifierRow,
    PerformanceRecord,
    ReadSubject,
    Student,
    StudentRestriction,
)

_SCHEMA = "staffstuddash"
# Tables that refer to students, which are deleted from before them.
OWNED = (
    Draft,
    AssessmentLog,
    ConceptStanding,
    PerformanceRecord,
    EnrolmentRow,
    AdvisingRow,
    GuardianRow,
    IdentifierRow,
    DemographicsRow,
    Hold,
    ReadSubject,
    StudentRestriction,
    BreakGlass,
)


class StatisticsRepository(Repository):
    """Statistics of the planner after erasures; the in-memory store has none.

    seconds_between: the statistics of a table are computed at most so often.
    """

    def __init__(self, database: Database, *, seconds_between: float = 300) -> None:
        super().__init__(database)
        self._seconds_between = seconds_between

    def refresh_due(self) -> int:
        """Refresh the tables with statistics from before the last erasure; return their number.

        Raises:
            DatabaseBusy: a table takes too long; those before it are refreshed.

        """
        if self.use_fallback:
            return 0
        tables = self.read(self._due)
        self.refresh(tables)
        return len(tables)

    def refresh(self, tables: Sequence[str]) -> None:
        """Refresh the statistics of these tables, each in a transaction of its own."""
        for table in tables:
            self.write(partial(refresh_statistics, schema=_SCHEMA, table=table))

    def _due(self, session: Session) -> Sequence[str]:
        erased_at = session.scalar(select(func.max(Deletion.deleted_at)))
        if erased_at is None:
            return []
        of_students = tables_of_students(Base.metadata)
        return due_tables(session, _SCHEMA, of_students, erased_at, self._seconds_between)


def ids_of_student(session: Session, student_id: str) -> list[str]:
    """Return all ids of a student, sorted: the present one, former ones, and their Unicode forms.

    Rows under another form of an id are the student's too: earlier releases stored any form.
    """
    forms = equivalent_ids(student_id)
    present = select(Alias.new_id).where(Alias.old_id.in_(forms))
    is_theirs = or_(Alias.new_id.in_(forms), Alias.new_id.in_(present))
    aliases = session.execute(select(Alias.old_id, Alias.new_id).where(is_theirs))
    ids = {id_ for pair in aliases for id_ in pair}.union(forms)
    return sorted({form for id_ in ids for form in equivalent_ids(id_)})


def erase_rows(
    session: Session, student_id: str, actor: str, *, is_memory: bool, also_held: bool = False
) -> dict[str, int]:
    """Erase the student's rows and leave tombstones; return the rows removed, by table.

    also_held: after a restore, which may bring back a hold that was lifted before the erasure.

    Raises:
        StudentHeld: the student is under a legal hold.
        DatabaseBusy: the student was merged since the rows were locked.

    """
    now = utc_now()
    ids = ids_of_student(session, student_id)
    of_student = select(Student.id).where(Student.id.in_(ids))
    session.scalars(of_student.order_by(Student.id).with_for_update()).all()
    if not is_memory:
        # Waits for concurrent inserts of this student; later inserts find the tombstone. The
        # student's row is locked before the table, as in all writers, so they cannot deadlock.
        table = "staffstuddash.students"
        session.execute(text(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"))
        if ids_of_student(session, student_id) != ids:
            raise DatabaseBusy(MERGED_MEANWHILE)
    if not also_held:
        _require_no_hold(session, ids)
    _leave_tombstones(session, student_id, ids, actor, now)
    removed = {
        model.__tablename__: _count(session.execute(delete(model).where(model.student_id.in_(ids))))
        for model in OWNED
    }
    removed["mails"] = delete_mails_naming(session, ids)
    aliases = delete(Alias).where(Alias.new_id.in_(ids))
    removed["aliases"] = _count(session.execute(aliases))
    removed["students"] = _count(session.execute(delete(Student).where(Student.id.in_(ids))))
    removed["action_logs"] = _make_pseudonymous(session, student_id, ids)
    return removed


def _require_no_hold(session: Session, ids: Sequence[str]) -> None:
    # Of the present id, where the request may name a former one.
    held = select(Hold.student_id).where(Hold.student_id.in_(ids)).order_by(Hold.student_id)
    found = session.scalars(held).first()
    if found is not None:
        raise StudentHeld(found)


def _leave_tombstones(
    session: Session, student_id: str, ids: Sequence[str], actor: str, now: datetime
) -> None:
    pseudonyms = [pseudonym_of(id_) for id_ in ids]
    known = select(Deletion.pseudonym).where(Deletion.pseudonym.in_(pseudonyms))
    if new := set(pseudonyms).difference(session.scalars(known)):
        # One of each form: dropout compares them with the pseudonyms of the ids it stores.
        session.add_all(Deletion(pseudonym=each, deleted_at=now) for each in sorted(new))
        log_action(session, pseudonym_of(student_id), actor, "student.erased", data=None)
        session.flush()


def _make_pseudonymous(session: Session, student_id: str, ids: Collection[str]) -> int:
    # The digest was made from the id and the data, so it is replaced with them.
    anonymous: dict[str, Any] = {
        "student_id": pseudonym_of(student_id),
        "data": null(),
        "due_on": null(),
        "prediction_id": null(),
        "digest": content_digest({}),
    }
    actions = update(ActionLog).where(ActionLog.student_id.in_(ids))
    # Nobody is to do anything about the student any more.
    planned = actions.where(ActionLog.state == ActionState.PLANNED)
    session.execute(planned.values(state=ActionState.WITHDRAWN))
    return _count(session.execute(actions.values(**anonymous)))


def _count(result: Any) -> int:
    return int(result.rowcount)
