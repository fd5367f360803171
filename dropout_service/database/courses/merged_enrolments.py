"""Merge of the enrolments of two ids of one student; no repository."""

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from dropout_service.models import Enrolment, EnrolmentBackground, Submission


def merge_enrolments(session: Session, old_id: str, target: str) -> dict[str, int]:
    """Merge the enrolments in courses that both have into those of the new id.

    Its values stay, and those of the old id are used where they are absent; the first day of the
    two is the day of registration. The rows of other courses are left to the caller.
    """
    old, new = (_enrolments(session, id_) for id_ in (old_id, target))
    shared = sorted(old.keys() & new.keys())
    submissions = 0
    for course in shared:
        gone, kept = old[course], new[course]
        days = [one.registered_day for one in (gone, kept) if one.registered_day is not None]
        kept.registered_day = min(days, default=None)
        for name in ("credits", "previous_attempts"):
            if getattr(kept, name) is None:
                setattr(kept, name, getattr(gone, name))
        submissions += _merge_submissions(session, gone.id, kept.id)
        _move_background(session, gone.id, kept.id)
        session.flush()
        session.expunge(gone)
        session.execute(delete(Enrolment).where(Enrolment.id == gone.id))
    return {"enrolments": len(shared), "submissions": submissions}


def _enrolments(session: Session, student_id: str) -> dict[str, Enrolment]:
    found = session.scalars(select(Enrolment).where(Enrolment.student_id == student_id))
    return {enrolment.course_id: enrolment for enrolment in found}


def _merge_submissions(session: Session, old: str, new: str) -> int:
    """Move the submissions of an enrolment; return the number of works that both handed in.

    Of these the new one stays, with the score of the other one if it was not marked.
    """
    is_new = Submission.enrolment_id == new
    kept = {one.coursework_id: one for one in session.scalars(select(Submission).where(is_new))}
    count = 0
    for one in session.scalars(select(Submission).where(Submission.enrolment_id == old)).all():
        if (twin := kept.get(one.coursework_id)) is None:
            one.enrolment_id = new
            continue
        count += 1
        twin.score = one.score if twin.score is None else twin.score
        session.delete(one)
    session.flush()
    return count


def _move_background(session: Session, old: str, new: str) -> None:
    if session.get(EnrolmentBackground, new) is None:
        change = update(EnrolmentBackground).where(EnrolmentBackground.enrolment_id == old)
        session.execute(change.values(enrolment_id=new))
    else:
        session.execute(delete(EnrolmentBackground).where(EnrolmentBackground.enrolment_id == old))
