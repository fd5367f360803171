"""Reads of a student's data."""

from sqlalchemy.orm import Session

from dropout_service.database.students.locking import require_student
from dropout_service.models import ReadRow, ReadSubject
from shared_db.audit.listing import ReadTables
from shared_db.queries.pagination import Page
from shared_db.repository import Repository

_TABLES = ReadTables(ReadRow, ReadSubject)


class ReadRepository(Repository):
    """Reads of students' data; the audit of `shared_db.audit` stores them."""

    def of_student(
        self, student_id: str, *, after: str | None = None, limit: int = 100
    ) -> Page[ReadRow]:
        """Return the reads that showed the student, the latest first.

        Raises:
            StudentNotFound, StudentErased, StudentMerged: as `require_student`.
            MalformedCursor: `after` is not a cursor of this list.

        """

        def query(session: Session) -> Page[ReadRow]:
            require_student(session, student_id)
            return _TABLES.page(session, student_id, after=after, limit=limit)

        return self.read(query)
