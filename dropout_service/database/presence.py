"""Which students there are, which were deleted, and which a unit of work has to itself."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select, text, union_all
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import Session

from dropout_service.errors import StudentDeleted, StudentNotFound
from dropout_service.models import Deletion, Student, published_deletions
from shared_db.erasure import pseudonym_of

# One statement for all of them: one each would be as many round trips.
_MAKE = text(
    "INSERT INTO dropout.students (id, pseudonym, created_at) SELECT id, pseudonym, :now"
    " FROM unnest(CAST(:ids AS varchar[]), CAST(:pseudonyms AS varchar[])) AS new (id, pseudonym)"
    " ON CONFLICT (id) DO NOTHING"
)


def tombstones(session: Session) -> Any:
    """Return the pseudonyms and times of all deletions, as something to select from."""
    own = select(Deletion.pseudonym, Deletion.deleted_at)
    if session.get_bind().dialect.name == "sqlite":
        return own.subquery("tombstone")
    published = select(published_deletions.c.pseudonym, published_deletions.c.deleted_at)
    return union_all(own, published).subquery("tombstone")


def deleted_among(session: Session, student_ids: Iterable[str]) -> set[str]:
    """Return those of the students that were deleted."""
    names = {pseudonym_of(id_): id_ for id_ in student_ids}
    if not names:
        return set()
    tombstone = tombstones(session)
    query: Select[str] = select(tombstone.c.pseudonym)
    return {
        names[found] for found in session.scalars(query.where(tombstone.c.pseudonym.in_(names)))
    }


def refuse_deleted(session: Session, student_id: str) -> None:
    """Refuse a student that was deleted.

    Raises:
        StudentDeleted: all data of the student were erased, and stay so.

    """
    if deleted_among(session, [student_id]):
        raise StudentDeleted(student_id)


def require_student(session: Session, student_id: str) -> Student:
    """Return the student.

    Raises:
        StudentDeleted: all data of the student were erased.
        StudentNotFound: nothing was heard of that student.

    """
    student = session.get(Student, student_id)
    refuse_deleted(session, student_id)
    if student is None:
        raise StudentNotFound(student_id)
    return student


def admit(session: Session, student_ids: Iterable[str], now: datetime) -> set[str]:
    """Make the students that are new and lock all of them; return those that were deleted instead.

    Locked in the order of their ids, which keeps parallel batches from waiting in a circle.
    """
    wanted = set(student_ids)
    gone = deleted_among(session, wanted)
    ids = sorted(wanted - gone)
    if not ids:
        return gone  # an INSERT without rows would be one of defaults
    if session.get_bind().dialect.name == "postgresql":
        names = {"ids": ids, "pseudonyms": [pseudonym_of(id_) for id_ in ids], "now": now}
        session.execute(_MAKE, names)
    else:
        insert = sqlite.insert(Student).on_conflict_do_nothing(index_elements=["id"])
        session.execute(insert, [{"id": id_, "created_at": now} for id_ in ids])
    # key_share: a lock that rows which only refer to the student need not wait for.
    query = select(Student.id).where(Student.id.in_(ids)).order_by(Student.id)
    locked = session.scalars(query.with_for_update(key_share=True)).all()
    # Who was there and is not any more was erased while we waited for the lock.
    return gone | (set(ids) - set(locked))


def admit_one(session: Session, student_id: str, now: datetime) -> None:
    """Make the student if new, and lock it.

    Raises:
        StudentDeleted: all data of the student were erased.

    """
    if admit(session, [student_id], now):
        raise StudentDeleted(student_id)
