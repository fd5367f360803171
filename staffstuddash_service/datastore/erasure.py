"""Erasure of a student: all rows are deleted, and a tombstone without the id stays."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, null, select, text, update
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.pseudonyms import pseudonym_of
from shared_db.writes.idempotent_insert import content_digest
from staffstuddash_service.datastore.actions import log_action
from staffstuddash_service.models import (
    ActionLog,
    AssessmentLog,
    ConceptStanding,
    Deletion,
    Draft,
    PerformanceRecord,
    Student,
)

# Tables that refer to students, which are deleted from before them.
OWNED = (Draft, AssessmentLog, ConceptStanding, PerformanceRecord)


def erase_rows(session: Session, student_id: str, actor: str, *, is_memory: bool) -> dict[str, int]:
    """Erase the student's rows and leave a tombstone; return the rows removed, by table."""
    now = utc_now()
    session.scalar(select(Student.id).where(Student.id == student_id).with_for_update())
    if not is_memory:
        # Waits for concurrent inserts of this student; later inserts find the tombstone. The
        # student's row is locked before the table, as in all writers, so they cannot deadlock.
        table = "staffstuddash.students"
        session.execute(text(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"))
    _leave_tombstone(session, student_id, actor, now)
    removed = {
        model.__tablename__: _count(
            session.execute(delete(model).where(model.student_id == student_id))
        )
        for model in OWNED
    }
    removed["students"] = _count(session.execute(delete(Student).where(Student.id == student_id)))
    removed["action_logs"] = _make_pseudonymous(session, student_id)
    return removed


def _leave_tombstone(session: Session, student_id: str, actor: str, now: datetime) -> None:
    pseudonym = pseudonym_of(student_id)
    if session.get(Deletion, pseudonym) is None:
        session.add(Deletion(pseudonym=pseudonym, deleted_at=now))
        log_action(session, pseudonym, actor, "student.erased", data=None)
        session.flush()


def _make_pseudonymous(session: Session, student_id: str) -> int:
    # The digest was made from the id and the data, so it is replaced with them.
    anonymous: dict[str, Any] = {
        "student_id": pseudonym_of(student_id),
        "data": null(),
        "digest": content_digest({}),
    }
    actions = update(ActionLog).where(ActionLog.student_id == student_id)
    return _count(session.execute(actions.values(**anonymous)))


def _count(result: Any) -> int:
    return int(result.rowcount)
