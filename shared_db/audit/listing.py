"""Reads of one student: a page, and the condition of an export."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, select, tuple_
from sqlalchemy.orm import Session

from shared_db.audit.tables import ReadColumns, ReadSubjectColumns
from shared_db.queries.pagination import Keyset, Page


@dataclass(frozen=True)
class ReadTables:
    """Mapped classes of the reads of a service, and of their students."""

    reads: type[ReadColumns]
    subjects: Any

    def page(
        self, session: Session, student_id: str, *, after: str | None, limit: int
    ) -> Page[ReadColumns]:
        """Return the reads of a student, the latest first.

        Raises:
            MalformedCursor: `after` is not a cursor of this list.

        """
        subjects = self.subjects
        by_time = Keyset("reads", (subjects.read_at, subjects.token), is_descending=True)
        query = (
            select(self.reads)
            .join(subjects, _is_of(self.reads, subjects))
            .where(subjects.student_id == student_id)
        )
        return by_time.page(session, query, after=after, limit=limit)


def reads_of_students(
    reads: type[ReadColumns], subjects: Any, ids: Collection[str]
) -> ColumnElement[bool]:
    """Return the condition of the reads that showed one of these students."""
    theirs = select(subjects.chain, subjects.number).where(subjects.student_id.in_(ids))
    return tuple_(reads.chain, reads.number).in_(theirs)


def _is_of(reads: type[ReadColumns], subjects: type[ReadSubjectColumns]) -> ColumnElement[bool]:
    return and_(subjects.chain == reads.chain, subjects.number == reads.number)
