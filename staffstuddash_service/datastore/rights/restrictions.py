"""Restrictions of students who objected: stored, read, lifted and merged."""

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.repository import Repository
from staffstuddash_service.datastore.actions import log_action
from staffstuddash_service.datastore.mail.outbox import delete_mails_naming
from staffstuddash_service.datastore.performance import recompute_all
from staffstuddash_service.datastore.student_locks import find_student
from staffstuddash_service.errors import RestrictionNotFound
from staffstuddash_service.models import StudentRestriction


class RestrictionRepository(Repository):
    """Restrictions: a restricted student has no judgement here and no risk in dropout."""

    def get(self, student_id: str) -> StudentRestriction:
        """Return the restriction of the student.

        Raises:
            RestrictionNotFound: the student is not restricted.
            StudentNotFound, StudentMerged, StudentErased: no student has that id.

        """
        return self.read(lambda session: _get(session, student_id))

    def put(
        self, student_id: str, reason: str | None = None, *, actor: str
    ) -> tuple[StudentRestriction, bool]:
        """Restrict the student, or replace the reason; return the row, and True for a replay.

        The performance record loses its judgements, and waiting mails that name the student are
        deleted, in the same transaction.

        Raises:
            StudentNotFound, StudentMerged, StudentErased: no student has that id.

        """
        return self.write(lambda session: _put(session, student_id, reason, actor))

    def lift(self, student_id: str, *, actor: str) -> None:
        """Lift the restriction and compute the performance record again; dropout has its next run.

        Raises:
            RestrictionNotFound: the student is not restricted.
            StudentNotFound, StudentMerged, StudentErased: no student has that id.

        """
        self.write(lambda session: _lift(session, student_id, actor))


def merge_restrictions(session: Session, old_id: str, new_id: str) -> tuple[int, int]:
    """Restrict the new id if the old one was; return the numbers of rows moved and of both ids.

    The restriction of the new id stays. Both students must be locked, their records are computed
    again by the caller.
    """
    row = StudentRestriction
    query = select(row.student_id).where(row.student_id.in_([old_id, new_id]))
    restricted = set(session.scalars(query))
    if old_id not in restricted:
        return 0, 0
    if new_id not in restricted:
        session.execute(update(row).where(row.student_id == old_id).values(student_id=new_id))
        return 1, 0
    session.execute(delete(row).where(row.student_id == old_id))
    return 0, 1


def _get(session: Session, student_id: str) -> StudentRestriction:
    found = session.get(StudentRestriction, student_id)
    if found is None:
        find_student(session, student_id)
        raise RestrictionNotFound(student_id)
    return found


def _put(
    session: Session, student_id: str, reason: str | None, actor: str
) -> tuple[StudentRestriction, bool]:
    # The lock makes writers of marks wait, who would compute the judgements once more.
    find_student(session, student_id, lock=True)
    found = session.get(StudentRestriction, student_id)
    if found is not None and found.reason == reason:
        return found, True
    row = found or StudentRestriction(student_id=student_id, restricted_at=utc_now())
    row.reason, row.restricted_by = reason, actor
    session.add(row)
    # Without the reason: the action log is for more readers than the restriction.
    action = "student.restricted" if found is None else "student.restriction-changed"
    log_action(session, student_id, actor, action, data=None)
    session.flush()
    if found is None:
        delete_mails_naming(session, [student_id])
        recompute_all(session, student_id, utc_now())
    return row, False


def _lift(session: Session, student_id: str, actor: str) -> None:
    find_student(session, student_id, lock=True)
    session.delete(_get(session, student_id))
    log_action(session, student_id, actor, "student.restriction-lifted", data=None)
    session.flush()
    recompute_all(session, student_id, utc_now())
