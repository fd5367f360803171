"""Legal holds of students: nothing of a held student is deleted by age, or erased."""

from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.repository import Repository
from staffstuddash_service.datastore.actions import log_action
from staffstuddash_service.datastore.student_locks import find_student
from staffstuddash_service.errors import HoldNotFound
from staffstuddash_service.models import Hold


class HoldRepository(Repository):
    """Legal holds."""

    def get(self, student_id: str) -> Hold:
        """Return the hold of a student.

        Raises:
            StudentNotFound, StudentMerged, StudentErased: no student has that id.
            HoldNotFound: the student is not held.

        """
        return self.read(lambda session: _find(session, student_id))

    def put(self, student_id: str, reason: str, *, actor: str) -> tuple[Hold, bool]:
        """Hold a student, or replace the reason; return True for a replay of the same reason.

        Raises:
            StudentNotFound, StudentMerged, StudentErased: no student has that id.

        """
        return self.write(lambda session: _put(session, student_id, reason, actor), of=[student_id])

    def lift(self, student_id: str, *, actor: str) -> Hold:
        """Lift the hold and return it.

        Raises:
            StudentNotFound, StudentMerged, StudentErased: no student has that id.
            HoldNotFound: the student is not held.

        """
        return self.write(lambda session: _lift(session, student_id, actor), of=[student_id])


def _find(session: Session, student_id: str, *, lock: bool = False) -> Hold:
    # An erasure and a deletion by age lock the student, too: a hold is seen by them, or waits.
    find_student(session, student_id, lock=lock)
    hold = session.get(Hold, student_id)
    if hold is None:
        raise HoldNotFound(student_id)
    return hold


def _put(session: Session, student_id: str, reason: str, actor: str) -> tuple[Hold, bool]:
    find_student(session, student_id, lock=True)
    hold = session.get(Hold, student_id)
    if hold is not None and hold.reason == reason:
        return hold, True
    if hold is None:
        hold = Hold(student_id=student_id)
        session.add(hold)
    hold.reason, hold.held_at, hold.held_by = reason, utc_now(), actor
    log_action(session, student_id, actor, "student.held", data={"reason": reason})
    session.flush()
    return hold, False


def _lift(session: Session, student_id: str, actor: str) -> Hold:
    hold = _find(session, student_id, lock=True)
    session.delete(hold)
    log_action(session, student_id, actor, "student.released", data={"reason": hold.reason})
    session.flush()
    return hold
