"""Students by their identifiers in other systems, which staffstuddash publishes."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from dropout_service.models import Student, published_identifiers
from shared_db.queries.pagination import Keyset, Page

_ROW = published_identifiers.c


def students_known_elsewhere(
    session: Session, value: str, system: str | None, *, after: str | None, limit: int
) -> Page[Student]:
    """Return the students with that identifier, by id; PostgreSQL only.

    Of students without rows here only the id is known: they have no `created_at`.
    """
    known = select(_ROW.student_id.label("id")).where(_ROW.value == value).distinct()
    if system is not None:
        known = known.where(_ROW.system == system)
    found = known.subquery("known")
    query = select(found.c.id, Student.name, Student.email, Student.created_at).outerjoin(
        Student, Student.id == found.c.id
    )
    by_id = Keyset("identified", (found.c.id,))
    rows, next_ = by_id.rows(session, query, after=after, limit=limit)
    students = [
        Student(id=row[0], name=row.name, email=row.email, created_at=row.created_at)
        for row in rows
    ]
    return Page(students, next_)
