"""Locks on students, and the refusals of students who are missing or erased."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared_db.errors import ServiceError
from shared_db.pseudonyms import ids_by_pseudonym
from staffstuddash_service.errors import StudentErased, StudentNotFound
from staffstuddash_service.models import Deletion, Student


def find_student(session: Session, student_id: str, *, lock: bool = False) -> Student:
    """Return the student; with `lock` no other transaction changes or erases their rows.

    Raises:
        StudentErased: the student was erased.
        StudentNotFound: no student has that id.

    """
    student = session.get(Student, student_id, with_for_update=lock)
    if student is None:
        raise refusals_of_missing(session, [student_id])[student_id]
    return student


def lock_students(
    session: Session, student_ids: Collection[str], *, skip_locked: bool = False
) -> set[str]:
    """Lock the students in the order of their ids; return the ids found.

    skip_locked: leave out students that another transaction has locked.
    """
    query = select(Student.id).where(Student.id.in_(student_ids)).order_by(Student.id)
    return set(session.scalars(query.with_for_update(skip_locked=skip_locked)))


def refusals_of_missing(session: Session, student_ids: Collection[str]) -> dict[str, ServiceError]:
    """Return the refusal of each of these ids, which no student has: erased or not found."""
    erased = erased_among(session, student_ids)
    return {
        id_: StudentErased(id_) if id_ in erased else StudentNotFound(id_) for id_ in student_ids
    }


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
