"""Erasing a student: everything of them goes, and a tombstone without their id stays."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import delete, null, select, text, update
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.pseudonyms import pseudonym_of
from shared_db.repository import Repository
from shared_db.spool.purge import forget_erased, purge_students, require_no_pending_writes
from shared_db.writes.idempotent_insert import content_digest
from staffstuddash_service.datastore.actions import log_action
from staffstuddash_service.datastore.student_locks import gone_among
from staffstuddash_service.errors import StudentNotFound
from staffstuddash_service.models import (
    ActionLog,
    AssessmentLog,
    ConceptStanding,
    Deletion,
    Draft,
    PerformanceRecord,
    Student,
)

# Those that refer to students first.
OWNED = (Draft, AssessmentLog, ConceptStanding, PerformanceRecord)


class Erasure(Repository):
    """Erasing students for good."""

    def erase_student(self, student_id: str, *, actor: str = "veritas erase") -> dict[str, int]:
        """Erase all of a student, known or not, and leave a tombstone; safe to repeat.

        Returns how many rows of each table were removed; those of `action_logs` stay, under a
        pseudonym and without their extra data.
        """
        with self.database.unit_of_work() as session:
            removed = _erase(session, student_id, actor, is_memory=self.use_fallback)
        purge_students(self.database, [student_id])
        return removed

    def delete_student(self, student_id: str, *, actor: str) -> tuple[dict[str, int], bool]:
        """Erase a student who is there; return the rows per table, and whether it was done before.

        Raises:
            StudentNotFound: no student has or had that id.

        """
        require_no_pending_writes(self.database, student_id)
        with self.database.unit_of_work() as session:
            # Locked first: of two at once the second then finds what the first left.
            student = session.get(Student, student_id, with_for_update=True)
            is_replay = student is None and bool(gone_among(session, [student_id]))
            if student is None and not is_replay:
                raise StudentNotFound(student_id)
            removed = _erase(session, student_id, actor, is_memory=self.use_fallback)
        purge_students(self.database, [student_id])
        return removed, is_replay

    def forget_erased_students(self) -> int:
        """Delete from the spool what was refused of students erased elsewhere; return how many."""
        return forget_erased(self.database, self.erased_among)

    def erased_among(self, student_ids: Collection[str]) -> set[str]:
        """Return those of the students who were erased."""
        with self.database.reading() as session:
            return gone_among(session, student_ids)


def _erase(session: Session, student_id: str, actor: str, *, is_memory: bool) -> dict[str, int]:
    now = utc_now()
    session.scalar(select(Student.id).where(Student.id == student_id).with_for_update())
    if not is_memory:
        # Whoever is just adding the student is waited for; who comes later finds the tombstone.
        # The row above comes first, as in every other writer, so that none waits in a circle.
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
    # The digest was made from the id and the data, so it goes with them.
    anonymous: dict[str, Any] = {
        "student_id": pseudonym_of(student_id),
        "data": null(),
        "digest": content_digest({}),
    }
    actions = update(ActionLog).where(ActionLog.student_id == student_id)
    return _count(session.execute(actions.values(**anonymous)))


def _count(result: Any) -> int:
    return int(result.rowcount)
