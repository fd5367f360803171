"""Row locks on students: taken before rows of theirs are inserted, so that no erasure misses one.

Lock order: students are created and locked in the order of their ids, in one call per transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from itertools import compress
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
from shared_db.columns import IdempotentRow, Row
from shared_db.pseudonyms import ids_by_pseudonym, pseudonym_of
from shared_db.queries.dialects import in_list
from shared_db.results import InsertResult, Outcome
from shared_db.writes.idempotent_insert import insert_many_idempotent

# One statement for all of them: one each would be as many round trips.
_INSERT = text(
    "INSERT INTO dropout.students (id, pseudonym, created_at)"
    " SELECT id, pseudonym, created_at FROM unnest(CAST(:ids AS varchar[]),"
    " CAST(:pseudonyms AS varchar[]), CAST(:created AS timestamptz[]))"
    " AS new (id, pseudonym, created_at) ON CONFLICT (id) DO NOTHING"
)


def tombstones(session: Session) -> Any:
    """Return a subquery of the pseudonyms and times of all erasures, here and in staffstuddash."""
    deletions = _deletions(session.get_bind().dialect.name)
    return union_all(*(select(of.c.pseudonym, of.c.deleted_at) for of in deletions)).subquery(
        "tombstone"
    )


def _deletions(dialect: str) -> list[FromClause]:
    own = Deletion.__table__
    return [own] if dialect == "sqlite" else [own, published_deletions]


def erased_among(session: Session, student_ids: Iterable[str]) -> set[str]:
    """Return the erased ones of these students."""
    names = ids_by_pseudonym(student_ids)
    if not names:
        return set()
    tombstone = tombstones(session)
    query: Select[str] = select(tombstone.c.pseudonym)
    found = session.scalars(query.where(tombstone.c.pseudonym.in_(names)))
    return set[str]().union(*(names[pseudonym] for pseudonym in found))


def require_not_erased(session: Session, student_id: str) -> None:
    """Reject an erased student.

    Raises:
        StudentErased: all data of the student were erased, and stay so.

    """
    if erased_among(session, [student_id]):
        raise StudentErased(student_id)


def require_student(session: Session, student_id: str) -> Student:
    """Return the student.

    Raises:
        StudentErased: all data of the student were erased.
        StudentNotFound: no row of that student is stored.

    """
    student = session.get(Student, student_id)
    require_not_erased(session, student_id)
    if student is None:
        raise StudentNotFound(student_id)
    return student


def ensure_and_lock(session: Session, student_ids: Iterable[str], now: datetime) -> set[str]:
    """Insert the students that are new and lock all of them; return the erased ones instead."""
    return ensure_and_lock_each(session, dict.fromkeys(student_ids, now))


def ensure_and_lock_each(session: Session, created: Mapping[str, datetime]) -> set[str]:
    """Insert and lock students as `ensure_and_lock` does, each with its own `created_at`."""
    ids = sorted(created)
    if not ids:
        return set()
    dialect, parameters = session.get_bind().dialect.name, {"ids": ids, "count": len(ids)}
    new: Sequence[str] = ()
    # The tombstones are read with the lock: an erasure may have committed since.
    is_erased = dict(session.execute(_lock_if_all_exist(dialect), parameters).all())
    if not is_erased:
        new = _missing(session, ids)
        allowed = sorted(set(new) - erased_among(session, new))
        _insert(session, {id_: created[id_] for id_ in allowed})
        is_erased = dict(session.execute(_lock(dialect), parameters).all())
    erased = {id_ for id_ in ids if is_erased.get(id_, True)}
    if erased_meanwhile := erased.intersection(new):
        session.execute(delete(Student).where(Student.id.in_(erased_meanwhile)))
    return erased


def ensure_and_lock_one(session: Session, student_id: str, now: datetime) -> None:
    """Insert the student if new, and lock them.

    Raises:
        StudentErased: all data of the student were erased.

    """
    if ensure_and_lock(session, [student_id], now):
        raise StudentErased(student_id)


def insert_unless_erased(
    session: Session,
    model: type[IdempotentRow],
    rows: Sequence[Row],
    is_erased: Sequence[bool],
    *,
    look_first: bool = False,
) -> list[InsertResult]:
    """Insert the rows of students that are not erased and return the result of each, in order.

    is_erased: by row; the result of a row of an erased student is ERASED.
    look_first: see `insert_many_idempotent`.
    """
    kept = list(compress(rows, (not erased for erased in is_erased)))
    results = iter(insert_many_idempotent(session, model, kept, look_first=look_first))
    return [
        InsertResult(row["id"], Outcome.ERASED) if erased else next(results)
        for row, erased in zip(rows, is_erased, strict=True)
    ]


def _missing(session: Session, ids: Sequence[str]) -> list[str]:
    query = select(Student.id).where(in_list(Student.id, "ids", session.get_bind().dialect.name))
    known = set(session.scalars(query, {"ids": ids}))
    return [id_ for id_ in ids if id_ not in known]


def _insert(session: Session, created: Mapping[str, datetime]) -> None:
    if not created:
        return  # an INSERT without rows would be one of defaults
    if session.get_bind().dialect.name == "postgresql":
        columns = {
            "ids": list(created),
            "pseudonyms": [pseudonym_of(id_) for id_ in created],
            "created": list(created.values()),
        }
        session.execute(_INSERT, columns)
    else:
        insert = sqlite.insert(Student).on_conflict_do_nothing(index_elements=["id"])
        session.execute(insert, [{"id": id_, "created_at": at} for id_, at in created.items()])


@cache
def _lock(dialect: str) -> Select[str, bool]:
    """Return the query that locks students and selects which of them were erased."""
    deletions = _deletions(dialect)
    is_erased = or_(*(exists().where(of.c.pseudonym == Student.pseudonym) for of in deletions))
    query = select(Student.id, is_erased).where(in_list(Student.id, "ids", dialect))
    # key_share: rows that only refer to the student do not have to wait for this lock.
    return query.order_by(Student.id).with_for_update(key_share=True, of=Student)


@cache
def _lock_if_all_exist(dialect: str) -> Select[str, bool]:
    """Return the query that locks the students if all of them exist, and otherwise locks nothing.

    With some of them locked already, inserting the others could deadlock.
    """
    there = aliased(Student)
    count = select(func.count()).select_from(there).where(in_list(there.id, "ids", dialect))
    return _lock(dialect).where(count.scalar_subquery() == bindparam("count"))
