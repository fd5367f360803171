"""Which students there are, which were erased, and which a unit of work has to itself."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared_db.errors import ServiceError
from shared_db.pseudonyms import pseudonym_of
from staffstuddash_service.errors import StudentErased, StudentNotFound
from staffstuddash_service.models import Deletion, Student


def find_student(session: Session, student_id: str, *, lock: bool = False) -> Student:
    """Return the student; with `lock` nobody else changes or erases what is theirs meanwhile.

    Raises:
        StudentGone: the student was erased.
        StudentNotFound: no student has that id.

    """
    student = session.get(Student, student_id, with_for_update=lock)
    if student is None:
        raise missing(session, [student_id])[student_id]
    return student


def lock_students(
    session: Session, student_ids: Collection[str], *, skip_locked: bool = False
) -> set[str]:
    """Lock the students in the order of their ids; return those that are there."""
    query = select(Student.id).where(Student.id.in_(student_ids)).order_by(Student.id)
    return set(session.scalars(query.with_for_update(skip_locked=skip_locked)))


def missing(session: Session, student_ids: Collection[str]) -> dict[str, ServiceError]:
    """Return for each of these students, who are not there, the refusal that tells why."""
    erased = gone_among(session, student_ids)
    return {
        id_: StudentErased(id_) if id_ in erased else StudentNotFound(id_) for id_ in student_ids
    }


def gone_among(session: Session, student_ids: Collection[str]) -> set[str]:
    """Return those of the students that were erased."""
    names = {pseudonym_of(id_): id_ for id_ in student_ids}
    query = select(Deletion.pseudonym).where(Deletion.pseudonym.in_(names))
    return {names[pseudonym] for pseudonym in session.scalars(query)}
