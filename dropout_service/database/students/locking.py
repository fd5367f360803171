"""Which students there are, which were deleted, and which a unit of work has to itself."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    FromClause,
    Select,
    bindparam,
    delete,
    exists,
    func,
    or_,
    select,
    text,
    union_all,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import Session, aliased

from dropout_service.errors import StudentErased, StudentNotFound
from dropout_service.models import Deletion, Student, published_deletions
from shared_db.pseudonyms import pseudonym_of
from shared_db.queries.dialects import in_list

# One statement for all of them: one each would be as many round trips.
_MAKE = text(
    "INSERT INTO dropout.students (id, pseudonym, created_at) SELECT id, pseudonym, :now"
    " FROM unnest(CAST(:ids AS varchar[]), CAST(:pseudonyms AS varchar[])) AS new (id, pseudonym)"
    " ON CONFLICT (id) DO NOTHING"
)


def tombstones(session: Session) -> Any:
    """Return the pseudonyms and times of all deletions, as something to select from."""
    deletions = _deletions(session.get_bind().dialect.name)
    return union_all(*(select(of.c.pseudonym, of.c.deleted_at) for of in deletions)).subquery(
        "tombstone"
    )


def _deletions(dialect: str) -> list[FromClause]:
    own = Deletion.__table__
    return [own] if dialect == "sqlite" else [own, published_deletions]


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


def require_not_erased(session: Session, student_id: str) -> None:
    """Refuse a student that was deleted.

    Raises:
        StudentDeleted: all data of the student were erased, and stay so.

    """
    if deleted_among(session, [student_id]):
        raise StudentErased(student_id)


def require_student(session: Session, student_id: str) -> Student:
    """Return the student.

    Raises:
        StudentDeleted: all data of the student were erased.
        StudentNotFound: nothing was heard of that student.

    """
    student = session.get(Student, student_id)
    require_not_erased(session, student_id)
    if student is None:
        raise StudentNotFound(student_id)
    return student


def ensure_and_lock(session: Session, student_ids: Iterable[str], now: datetime) -> set[str]:
    """Make the students that are new and lock all of them; return those that were deleted instead.

    Locked in the order of their ids, which keeps parallel batches from waiting in a circle.
    """
    ids = sorted(set(student_ids))
    if not ids:
        return set()
    dialect, asked = session.get_bind().dialect.name, {"ids": ids, "count": len(ids)}
    new: Sequence[str] = ()
    # Whether a student was deleted is asked with the lock: an erasure may have ended since.
    is_deleted = dict(session.execute(_locking_all(dialect), asked).all())
    if not is_deleted:
        new = _missing(session, ids)
        _make(session, sorted(set(new) - deleted_among(session, new)), now)
        is_deleted = dict(session.execute(_locking(dialect), asked).all())
    gone = {id_ for id_ in ids if is_deleted.get(id_, True)}
    if made_in_vain := gone.intersection(new):
        session.execute(delete(Student).where(Student.id.in_(made_in_vain)))
    return gone


def _missing(session: Session, ids: Sequence[str]) -> list[str]:
    query = select(Student.id).where(in_list(Student.id, "ids", session.get_bind().dialect.name))
    known = set(session.scalars(query, {"ids": ids}))
    return [id_ for id_ in ids if id_ not in known]


def _make(session: Session, ids: Sequence[str], now: datetime) -> None:
    if not ids:
        return  # an INSERT without rows would be one of defaults
    if session.get_bind().dialect.name == "postgresql":
        names = {"ids": ids, "pseudonyms": [pseudonym_of(id_) for id_ in ids], "now": now}
        session.execute(_MAKE, names)
    else:
        insert = sqlite.insert(Student).on_conflict_do_nothing(index_elements=["id"])
        session.execute(insert, [{"id": id_, "created_at": now} for id_ in ids])


@cache
def _locking(dialect: str) -> Select[str, bool]:
    """Return what locks students, and tells which of them were deleted."""
    deletions = _deletions(dialect)
    is_deleted = or_(*(exists().where(of.c.pseudonym == Student.pseudonym) for of in deletions))
    query = select(Student.id, is_deleted).where(in_list(Student.id, "ids", dialect))
    # key_share: a lock that rows which only refer to the student need not wait for.
    return query.order_by(Student.id).with_for_update(key_share=True, of=Student)


@cache
def _locking_all(dialect: str) -> Select[str, bool]:
    """Return what locks all of the students if all of them are there, and else none.

    With some locked already, making the others could wait in a circle.
    """
    there = aliased(Student)
    count = select(func.count()).select_from(there).where(in_list(there.id, "ids", dialect))
    return _locking(dialect).where(count.scalar_subquery() == bindparam("count"))


def ensure_and_lock_one(session: Session, student_id: str, now: datetime) -> None:
    """Make the student if new, and lock it.

    Raises:
        StudentDeleted: all data of the student were erased.

    """
    if ensure_and_lock(session, [student_id], now):
        raise StudentErased(student_id)
