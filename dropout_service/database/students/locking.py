"""Row locks on students: taken before rows of theirs are inserted, so that no erasure misses one.

Lock order: students are created and locked in the order of their ids, in one call per transaction.
Aliases are read only when a student is missing: rows sent under a former id are the present one's.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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

from dropout_service.errors import StudentErased, StudentMerged, StudentNotFound
from dropout_service.models import Alias, Deletion, Student, published_deletions
from shared_db.columns import IdempotentRow, Row
from shared_db.errors import DatabaseBusy
from shared_db.pseudonyms import ids_by_pseudonym, pseudonym_of
from shared_db.queries.dialects import in_list
from shared_db.results import InsertResult, Outcome
from shared_db.row_moves import row_count
from shared_db.writes.idempotent_insert import insert_many_idempotent

# One statement for all of them: one each would be as many round trips.
_INSERT = text(
    "INSERT INTO dropout.students (id, pseudonym, created_at)"
    " SELECT id, pseudonym, created_at FROM unnest(CAST(:ids AS varchar[]),"
    " CAST(:pseudonyms AS varchar[]), CAST(:created AS timestamptz[]))"
    " AS new (id, pseudonym, created_at) ON CONFLICT (id) DO NOTHING"
)


MERGED_MEANWHILE = "A student is being merged into another id. Try again."


@dataclass(frozen=True)
class Locked:
    """Students that were locked: the erased ones, and the present id of each former id."""

    erased: set[str] = field(default_factory=set)
    merged: dict[str, str] = field(default_factory=dict)

    @property
    def absent(self) -> set[str]:
        """Ids that no student has: erased, or former ones."""
        return self.erased.union(self.merged)

    def owner(self, student_id: str) -> str:
        """Return the present id of a student whose row was sent under this id."""
        return self.merged.get(student_id, student_id)


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
        StudentMerged: the student was merged into another id.
        StudentNotFound: no row of that student is stored.

    """
    student = session.get(Student, student_id)
    require_not_erased(session, student_id)
    if student is None:
        require_not_merged(session, student_id)
        raise StudentNotFound(student_id)
    return student


def require_not_merged(session: Session, student_id: str) -> None:
    """Reject a former id of a student.

    Raises:
        StudentMerged: the student was merged into another id.

    """
    if present := present_ids(session, [student_id]):
        raise StudentMerged(student_id, present[student_id])


def present_ids(session: Session, student_ids: Collection[str]) -> dict[str, str]:
    """Return the present id of each former id among these."""
    if not student_ids:
        return {}
    is_among = in_list(Alias.old_id, "ids", session.get_bind().dialect.name)
    query = select(Alias.old_id, Alias.new_id).where(is_among)
    rows = session.execute(query, {"ids": sorted(student_ids)})
    return {row.old_id: row.new_id for row in rows}


def ensure_and_lock(session: Session, student_ids: Iterable[str], now: datetime) -> Locked:
    """Insert the students that are new and lock all of them, except the erased ones.

    Of a former id the student it was merged into is locked.

    Raises:
        DatabaseBusy: a student was merged meanwhile, and the other one is locked.

    """
    return ensure_and_lock_each(session, dict.fromkeys(student_ids, now))


def ensure_and_lock_each(session: Session, created: Mapping[str, datetime]) -> Locked:
    """Insert and lock students as `ensure_and_lock` does, each with its own `created_at`."""
    ids = sorted(created)
    if not ids:
        return Locked()
    dialect, parameters = session.get_bind().dialect.name, {"ids": ids, "count": len(ids)}
    new, merged = set[str](), dict[str, str]()
    # The tombstones are read with the lock: an erasure may have committed since.
    is_erased = dict(session.execute(_lock_if_all_exist(dialect), parameters).all())
    if not is_erased:
        missing = missing_students(session, ids)
        merged = present_ids(session, missing)
        new = set(missing) - merged.keys()
        new -= erased_among(session, new)
        insert_students(session, {id_: created[id_] for id_ in sorted(new)})
        wanted = sorted({merged.get(id_, id_) for id_ in ids})
        is_erased = dict(session.execute(_lock(dialect), {"ids": wanted}).all())
        # A merge of a student without rows may have committed before the INSERT.
        for id_ in present_ids(session, new):
            is_erased.pop(id_, None)
    owners = {merged.get(id_, id_) for id_ in ids}
    if not owners <= is_erased.keys():
        since = _lock_merged_meanwhile(session, owners - is_erased.keys(), is_erased)
        merged |= {id_: since[owner] for id_ in ids if (owner := merged.get(id_, id_)) in since}
    erased = {id_ for id_ in ids if is_erased.get(merged.get(id_, id_), True)}
    merged = {id_: owner for id_, owner in merged.items() if id_ not in erased}
    if absent := new.intersection(erased.union(merged)):
        session.execute(delete(Student).where(Student.id.in_(absent)))
    return Locked(erased, merged)


def ensure_and_lock_one(session: Session, student_id: str, now: datetime) -> str:
    """Insert the student if new, and lock them; return the present id.

    Raises:
        StudentErased: all data of the student were erased.

    """
    locked = ensure_and_lock(session, [student_id], now)
    if locked.erased:
        raise StudentErased(student_id)
    return locked.owner(student_id)


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


def ensure_and_lock_to_merge(session: Session, student_ids: Sequence[str], now: datetime) -> None:
    """Insert the students that are new and lock all of them, without a look at their aliases.

    No other transaction locks them, refers to them or inserts their ids until this one ends.

    Raises:
        StudentErased: all data of a student were erased.
        DatabaseBusy: a student was merged or erased meanwhile.

    """
    ids = sorted(student_ids)
    insert_students(session, dict.fromkeys(missing_students(session, ids), now))
    query = select(Student.id).where(Student.id.in_(ids)).order_by(Student.id).with_for_update()
    if session.scalars(query).all() != ids:
        raise DatabaseBusy(MERGED_MEANWHILE)
    for erased in sorted(erased_among(session, ids)):
        raise StudentErased(erased)


def _lock_merged_meanwhile(
    session: Session, lost: Collection[str], is_erased: dict[str, bool]
) -> dict[str, str]:
    """Lock the students that others were merged into since the statement that locked the others.

    Returns their ids by the former ones, and adds them to `is_erased`.
    """
    merged = present_ids(session, lost)
    late = sorted(set(merged.values()) - is_erased.keys())
    if not late:
        return merged
    dialect = session.get_bind().dialect.name
    # With others locked already, waiting out of order could deadlock.
    found = session.execute(_lock(dialect, skip_locked=bool(is_erased)), {"ids": late}).all()
    if len(found) < len(late):
        raise DatabaseBusy(MERGED_MEANWHILE)
    is_erased.update(found)
    return merged


def missing_students(session: Session, ids: Sequence[str]) -> list[str]:
    """Return the ids without a row of their student."""
    query = select(Student.id).where(in_list(Student.id, "ids", session.get_bind().dialect.name))
    known = set(session.scalars(query, {"ids": ids}))
    return [id_ for id_ in ids if id_ not in known]


def insert_students(session: Session, created: Mapping[str, datetime]) -> int:
    """Insert students unless they exist; return the number inserted."""
    if not created:
        return 0  # an INSERT without rows would be one of defaults
    if session.get_bind().dialect.name == "postgresql":
        columns = {
            "ids": list(created),
            "pseudonyms": [pseudonym_of(id_) for id_ in created],
            "created": list(created.values()),
        }
        return row_count(session.execute(_INSERT, columns))
    insert = sqlite.insert(Student).on_conflict_do_nothing(index_elements=["id"])
    session.execute(insert, [{"id": id_, "created_at": at} for id_, at in created.items()])
    return len(created)


@cache
def _lock(dialect: str, *, skip_locked: bool = False) -> Select[str, bool]:
    """Return the query that locks students and selects which of them were erased."""
    deletions = _deletions(dialect)
    is_erased = or_(*(exists().where(of.c.pseudonym == Student.pseudonym) for of in deletions))
    query = select(Student.id, is_erased).where(in_list(Student.id, "ids", dialect))
    # key_share: rows that only refer to the student do not have to wait for this lock.
    locked = query.order_by(Student.id)
    return locked.with_for_update(key_share=True, of=Student, skip_locked=skip_locked)


@cache
def _lock_if_all_exist(dialect: str) -> Select[str, bool]:
    """Return the query that locks the students if all of them exist, and otherwise locks nothing.

    With some of them locked already, inserting the others could deadlock.
    """
    there = aliased(Student)
    count = select(func.count()).select_from(there).where(in_list(there.id, "ids", dialect))
    return _lock(dialect).where(count.scalar_subquery() == bindparam("count"))
