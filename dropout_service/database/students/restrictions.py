"""Restricted students, as staffstuddash publishes them: they are not to be assessed.

The in-memory store has no view of another service, so nobody is restricted there.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, exists, select, true
from sqlalchemy.orm import Session

from dropout_service.database.students.locking import require_student
from dropout_service.errors import StudentRestricted
from dropout_service.models import published_restrictions
from shared_db.queries.dialects import in_list


def restricted_among(session: Session, student_ids: Collection[str]) -> set[str]:
    """Return the restricted ones of these students."""
    dialect = session.get_bind().dialect.name
    if dialect == "sqlite" or not student_ids:
        return set()
    id_ = published_restrictions.c.student_id
    query = select(id_).where(in_list(id_, "ids", dialect))
    return set(session.scalars(query, {"ids": sorted(student_ids)}))


def require_unrestricted(session: Session, student_id: str) -> None:
    """Reject a restricted student.

    Raises:
        StudentRestricted: the student, or somebody for the student, objected.

    """
    if restricted_among(session, [student_id]):
        raise StudentRestricted(student_id)


def require_assessed_student(session: Session, student_id: str) -> None:
    """Reject an unknown student, and a restricted one.

    Raises:
        StudentErased, StudentMerged, StudentNotFound: as `require_student`.
        StudentRestricted: the student, or somebody for the student, objected.

    """
    require_student(session, student_id)
    require_unrestricted(session, student_id)


def is_assessed(session: Session, student_id: Any) -> ColumnElement[bool]:
    """Return the condition that the student of a column may be assessed."""
    if session.get_bind().dialect.name == "sqlite":
        return true()
    restricted = exists().where(published_restrictions.c.student_id == student_id)
    return ~restricted.correlate_except(published_restrictions)
