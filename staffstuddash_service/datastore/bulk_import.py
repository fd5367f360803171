"""Bulk import of students with their assessments."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.errors import NeedsPostgresql
from shared_db.repository import Repository
from shared_db.results import InsertResult
from staffstuddash_service.datastore import assessments, students
from staffstuddash_service.datastore.assessments import AssessmentToStore, students_of_stored
from staffstuddash_service.datastore.performance import insert_records, recompute
from staffstuddash_service.datastore.students import StudentToStore

ImportResults = tuple[list[InsertResult], list[InsertResult]]


class ImportRepository(Repository):
    """Bulk imports. They need PostgreSQL."""

    def add(
        self, students: Sequence[StudentToStore], assessments: Sequence[AssessmentToStore]
    ) -> ImportResults:
        """Insert students, assessments and the performance records in one transaction.

        Returns the result of each student and of each assessment, in order. Stored rows stay as
        they are. The commit does not wait for the disk: a later one must.

        Raises:
            NeedsPostgresql: the in-memory store answers.

        """
        if self.use_fallback:
            raise NeedsPostgresql("Students can only be imported into PostgreSQL.")
        return self.write(
            lambda session: _insert(session, students, assessments), wait_for_disk=False
        )


def _insert(
    session: Session,
    new_students: Sequence[StudentToStore],
    new_assessments: Sequence[AssessmentToStore],
) -> ImportResults:
    now = utc_now()
    of_students = students.insert_rows(
        session, [student.values(now) for student in new_students], look_first=True
    )
    rows = [assessment.values(now) for assessment in new_assessments]
    of_assessments = assessments.insert_rows(session, rows, look_first=True)
    stored = {result.id for result in of_students if result.is_stored}
    insert_records(session, stored, now)
    if known := students_of_stored(rows, of_assessments) - stored:
        recompute(session, known, now)
    return of_students, of_assessments
