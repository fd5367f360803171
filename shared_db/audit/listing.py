"""Reads of one student: a page, and the condition of an export."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, select, tuple_
from sqlalchemy.orm import Session

from shared_db.audit.tables import ReadColumns, ReadSubjectColumns
from shared_db.queries.pagination import Keyset, Page

_LISTED = ("read_at", "kind", "roles", "caller", "through", "route", "students", "purpose")


@dataclass(frozen=True)
class StudentRead:
    """Read of one student. break_glass_id: of the opening by which the caller saw the student."""

    read_at: datetime
    kind: str
    roles: list[Any]
    caller: str
    through: str | None
    route: str
    students: int
    purpose: str | None
    break_glass_id: str | None


@dataclass(frozen=True)
class ReadTables:
    """Mapped classes of the reads of a service, and of their students."""

    reads: type[ReadColumns]
    subjects: Any

    def page(
        self, session: Session, student_id: str, *, after: str | None, limit: int
    ) -> Page[StudentRead]:
        """Return the reads of a student, the latest first.

        Raises:
            MalformedCursor: `after` is not a cursor of this list.

        """
        reads, subjects = self.reads, self.subjects
        by_time = Keyset("reads", (subjects.read_at, subjects.token), is_descending=True)
        query = (
            select(*(getattr(reads, name) for name in _LISTED), reads.openings)
            .join_from(reads, subjects, _is_of(reads, subjects))
            .where(subjects.student_id == student_id)
        )
        rows, following = by_time.rows(session, query, after=after, limit=limit)
        return Page([_student_read(row) for row in rows], following)


def reads_of_students(
    reads: type[ReadColumns], subjects: Any, ids: Collection[str]
) -> ColumnElement[bool]:
    """Return the condition of the reads that showed one of these students."""
    theirs = select(subjects.chain, subjects.number).where(subjects.student_id.in_(ids))
    return tuple_(reads.chain, reads.number).in_(theirs)


def _student_read(row: Any) -> StudentRead:
    *listed, openings, _read_at, token = row
    values = dict(zip(_LISTED, listed, strict=True))
    return StudentRead(**values, break_glass_id=(openings or {}).get(token))


def _is_of(reads: type[ReadColumns], subjects: type[ReadSubjectColumns]) -> ColumnElement[bool]:
    return and_(subjects.chain == reads.chain, subjects.number == reads.number)
