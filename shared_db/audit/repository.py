"""Reads of students' data as a service's manager lists them."""

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from shared_db.audit.listing import ReadTables
from shared_db.connection.database import Database
from shared_db.queries.pagination import Page
from shared_db.repository import Repository


class ReadRepository(Repository):
    """Reads of students' data; `ReadStore` inserts them.

    require_student: raises the service's refusal if no student has the id.
    """

    def __init__(
        self,
        database: Database,
        tables: ReadTables,
        require_student: Callable[[Session, str], object],
    ) -> None:
        super().__init__(database)
        self._tables = tables
        self._require_student = require_student

    def of_student(
        self, student_id: str, *, after: str | None = None, limit: int = 100
    ) -> Page[Any]:
        """Return the reads that showed the student, the latest first.

        Raises:
            MalformedCursor: `after` is not a cursor of this list.
            ServiceError: no student has the id, or as `read`.

        """

        def query(session: Session) -> Page[Any]:
            self._require_student(session, student_id)
            return self._tables.page(session, student_id, after=after, limit=limit)

        return self.read(query)
