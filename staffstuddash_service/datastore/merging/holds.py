"""Legal holds of merged students: the present student is held if one of both was."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from staffstuddash_service.models import Hold


@dataclass(frozen=True)
class MergedHolds:
    """Number of holds that moved, and of those that were joined with one of the new id."""

    moved: int = 0
    conflicts: int = 0


def merge_holds(session: Session, old_id: str, new_id: str) -> MergedHolds:
    """Move the hold of one id to another; both students must be locked.

    Two holds become one with both reasons, from the earlier instant.
    """
    old, new = session.get(Hold, old_id), session.get(Hold, new_id)
    if old is None:
        return MergedHolds()
    session.delete(old)
    if new is None:
        session.add(
            Hold(student_id=new_id, reason=old.reason, held_at=old.held_at, held_by=old.held_by)
        )
    else:
        new.held_at = min(old.held_at, new.held_at)
        new.reason = f"{new.reason}\n{old.reason}"
    session.flush()
    return MergedHolds(moved=int(new is None), conflicts=int(new is not None))
