"""Erasure of a student: all rows are deleted, and a tombstone without the id stays."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, null, select, text, update
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.pseudonyms import equivalent_ids, pseudonym_of
from shared_db.writes.idempotent_insert import content_digest
from staffstuddash_service.datastore.actions import log_action
from staffstuddash_service.models import (
    ActionLog,
    AdvisingRow,
    AssessmentLog,
    ConceptStanding,
    Deletion,
    DemographicsRow,
    Draft,
    EnrolmentRow,
    GuardianRow,
    IdentifierRow,
    PerformanceRecord,
    Student,
)

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
)


def erase_rows(session: Session, student_id: str, actor: str, *, is_memory: bool) -> dict[str, int]:
    """Erase the student's rows and leave a tombstone; return the rows removed, by table.

    Rows under another form of the id are the student's too: earlier releases stored any form.
    """
    now = utc_now()
    ids = equivalent_ids(student_id)
    of_student = select(Student.id).where(Student.id.in_(ids))
    session.scalars(of_student.order_by(Student.id).with_for_update()).all()
    if not is_memory:
        # Waits for concurrent inserts of this student; later inserts find the tombstone. The
        # student's row is locked before the table, as in all writers, so they cannot deadlock.
        table = "staffstuddash.students"
        session.execute(text(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"))
    _leave_tombstone(session, student_id, actor, now)
    removed = {
        model.__tablename__: _count(session.execute(delete(model).where(model.student_id.in_(ids))))
        for model in OWNED
    }
    removed["students"] = _count(session.execute(delete(Student).where(Student.id.in_(ids))))
    removed["action_logs"] = _make_pseudonymous(session, student_id)
    return removed


def _leave_tombstone(session: Session, student_id: str, actor: str, now: datetime) -> None:
    pseudonyms = [pseudonym_of(form) for form in equivalent_ids(student_id)]
    known = select(Deletion.pseudonym).where(Deletion.pseudonym.in_(pseudonyms))
    if new := set(pseudonyms).difference(session.scalars(known)):
        # One of each form: dropout compares them with the pseudonyms of the ids it stores.
        session.add_all(Deletion(pseudonym=each, deleted_at=now) for each in sorted(new))
        log_action(session, pseudonyms[0], actor, "student.erased", data=None)
        session.flush()


def _make_pseudonymous(session: Session, student_id: str) -> int:
    # The digest was made from the id and the data, so it is replaced with them.
    anonymous: dict[str, Any] = {
        "student_id": pseudonym_of(student_id),
        "data": null(),
        "digest": content_digest({}),
    }
    actions = update(ActionLog).where(ActionLog.student_id.in_(equivalent_ids(student_id)))
    return _count(session.execute(actions.values(**anonymous)))


def _count(result: Any) -> int:
    return int(result.rowcount)
