"""Locks on students, and the refusals of students who are missing, merged or erased.

Lock order: students are locked in the order of their ids, in one statement per transaction. Of a
merged id that statement locks the student it was merged into.
"""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    String,
    any_,
    bindparam,
    cast,
    func,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from shared_db.columns import Row
from shared_db.errors import DatabaseBusy, ServiceError
from shared_db.pseudonyms import ids_by_pseudonym
from shared_db.queries.dialects import in_list
from shared_db.results import InsertResult, Outcome
from shared_db.writes.idempotent_insert import content_digest
from staffstuddash_service.errors import StudentErased, StudentMerged, StudentNotFound
from staffstuddash_service.models import Alias, Deletion, Student
from staffstuddash_service.models.published import published_memberships

# View of the students whom the person of the transaction has opened, with the opening's id.
OPENINGS = "staffstuddash.published_openings"
MERGED_MEANWHILE = "A student is being merged into another id. Try again."


def find_student(session: Session, student_id: str, *, lock: bool = False) -> Student:
    """Return the student; with `lock` no other transaction changes or erases their rows.

    Raises:
        StudentErased: the student was erased.
        StudentMerged: the student was merged into another id.
        StudentNotFound: no student has that id.

    """
    student = session.get(Student, student_id, with_for_update=lock)
    if student is None:
        raise refusals_of_missing(session, [student_id])[student_id]
    return student


def lock_owner(session: Session, student_id: str) -> Student:
    """Lock and return the student whose row is sent under this id, which may be a former one.

    Raises:
        StudentErased: the student was erased.
        StudentNotFound: no student has or had that id.

    """
    try:
        return find_student(session, student_id, lock=True)
    except StudentMerged as merged:
        return lock_owner(session, merged.target)


def lock_owners(session: Session, student_ids: Collection[str]) -> dict[str, str]:
    """Lock the students of these ids in the order of their present ids.

    Returns the present id of each id found: a former id has another one.

    Raises:
        DatabaseBusy: a student was merged meanwhile, and the other one is locked.

    """
    ids = sorted(set(student_ids))
    query = select(Student.id).where(_is_owner(session)).order_by(Student.id)
    locked = set(session.scalars(query.with_for_update(), {"ids": ids}))
    owners = {id_: id_ for id_ in ids if id_ in locked}
    if len(owners) == len(ids):
        return owners
    merged = present_ids(session, [id_ for id_ in ids if id_ not in locked])
    if late := sorted(set(merged.values()) - locked):
        _lock_late(session, late, may_wait=not locked)
    return owners | merged


def lock_students(
    session: Session, student_ids: Collection[str], *, skip_locked: bool = False
) -> set[str]:
    """Lock the students in the order of their ids; return the ids found.

    skip_locked: leave out students that another transaction has locked.
    """
    query = select(Student.id).where(Student.id.in_(student_ids)).order_by(Student.id)
    return set(session.scalars(query.with_for_update(skip_locked=skip_locked)))


def refusals_of_missing(session: Session, student_ids: Collection[str]) -> dict[str, ServiceError]:
    """Return the refusal of each of these ids, which no student has: erased, merged, not found."""
    erased = erased_among(session, student_ids)
    merged = present_ids(session, student_ids)

    def refusal(id_: str) -> ServiceError:
        if id_ in erased:
            return StudentErased(id_)
        return StudentMerged(id_, merged[id_]) if id_ in merged else StudentNotFound(id_)

    return {id_: refusal(id_) for id_ in student_ids}


def refusals_out_of_sight(
    session: Session, student_ids: Collection[str]
) -> dict[str, ServiceError]:
    """Return the refusal of each student whom the transaction's person does not see.

    It is that of an absent student. A former id is seen with the present student.
    """
    member = published_memberships.c.student_id
    former = select(Alias.old_id).join(published_memberships, member == Alias.new_id)
    seen = set(session.scalars(select(member).where(member.in_(student_ids))))
    unseen = set(student_ids) - seen
    if unseen:
        unseen -= set(session.scalars(former.where(Alias.old_id.in_(unseen))))
    if not unseen:
        return {}
    erased = erased_among(session, unseen)
    return {id_: StudentErased(id_) if id_ in erased else StudentNotFound(id_) for id_ in unseen}


def require_not_erased(session: Session, student_id: str) -> None:
    """Refuse the id of an erased student.

    Raises:
        StudentErased: the student was erased.

    """
    if erased_among(session, [student_id]):
        raise StudentErased(student_id)


def erased_among(session: Session, student_ids: Collection[str]) -> set[str]:
    """Return the ids of the students that were erased, under any form of the id."""
    names = ids_by_pseudonym(student_ids)
    query = select(Deletion.pseudonym).where(Deletion.pseudonym.in_(names))
    return set[str]().union(*(names[pseudonym] for pseudonym in session.scalars(query)))


def present_ids(session: Session, student_ids: Collection[str]) -> dict[str, str]:
    """Return the present id of each former id among these."""
    query = select(Alias.old_id, Alias.new_id).where(Alias.old_id.in_(student_ids))
    return {row.old_id: row.new_id for row in session.execute(query)}


def former_ids(session: Session, student_ids: Collection[str]) -> dict[str, str]:
    """Return the former ids of students, each with the present one."""
    is_theirs = in_list(Alias.new_id, "ids", session.get_bind().dialect.name)
    query = select(Alias.old_id, Alias.new_id).where(is_theirs)
    return {row.old_id: row.new_id for row in session.execute(query, {"ids": list(student_ids)})}


def results_of_merged(session: Session, rows: Sequence[Row]) -> dict[str, InsertResult]:
    """Return the result of each row with a former id, by id: a replay, or a conflict.

    It is a replay if it has the content that was stored under the former or the present id.
    """
    digests = {row["id"]: row["digest"] for row in rows}
    query = select(Alias, Student).join(Student, Student.id == Alias.new_id)
    found = dict[str, InsertResult]()
    for alias, student in session.execute(query.where(Alias.old_id.in_(digests))):
        present = content_digest({"name": student.name, "email": student.email})
        is_replay = digests[alias.old_id] in (alias.digest, present)
        found[alias.old_id] = (
            InsertResult(student.id, Outcome.REPEATED)
            if is_replay
            else InsertResult(alias.old_id, Outcome.CONFLICT)
        )
    return found


def _is_owner(session: Session) -> ColumnElement[bool]:
    """Return the condition of the students that have an id of the parameter `ids`, or had one."""
    if session.get_bind().dialect.name == "sqlite":
        ids: BindParameter[Any] = bindparam("ids", expanding=True)
        former = select(Alias.new_id).where(Alias.old_id.in_(ids))
        return or_(Student.id.in_(ids), Student.id.in_(former))
    # One array, which PostgreSQL computes first and looks up by the primary key.
    sent = cast(bindparam("ids", type_=ARRAY(String)), ARRAY(String))
    present = select(Alias.new_id).where(Alias.old_id == any_(sent))
    both = union_all(select(func.unnest(sent)), present)
    return Student.id == any_(func.array(both.scalar_subquery()))


def _lock_late(session: Session, ids: Sequence[str], *, may_wait: bool) -> None:
    """Lock students that others were merged into since the statement that locked the others began.

    may_wait: False if others are locked already, because waiting out of order could deadlock.
    """
    if lock_students(session, ids, skip_locked=not may_wait) != set(ids):
        raise DatabaseBusy(MERGED_MEANWHILE)
