"""Whole years of students with their marks, stored together."""

from collections.abc import Sequence

from shared_db.clock import utc_now
from shared_db.errors import NeedsPostgresql
from shared_db.repository import Repository
from shared_db.writes.pouring import commit_without_waiting
from staffstuddash_service.datastore import assessments, students
from staffstuddash_service.datastore.assessments import AssessmentToStore, students_with_new
from staffstuddash_service.datastore.performance import add_records, recompute
from staffstuddash_service.datastore.results import Result
from staffstuddash_service.datastore.students import StudentToStore


class Imports(Repository):
    """What is brought in by the thousand. Needs PostgreSQL."""

    def import_students(
        self, new: Sequence[StudentToStore], marks: Sequence[AssessmentToStore]
    ) -> tuple[list[Result], list[Result]]:
        """Store students, marks and the records of both in one unit of work.

        Returns what became of each student and of each mark, in order; what is there already is
        left as it is. The commit does not wait for the disk: a later one must.

        Raises:
            NeedsPostgresql: the in-memory store answers.

        """
        if self.use_fallback:
            raise NeedsPostgresql("Students can only be imported into PostgreSQL.")
        now = utc_now()
        rows = [mark.row(now) for mark in marks]
        with self.database.unit_of_work() as session:
            commit_without_waiting(session)
            came = students.store_rows(session, [one.row(now) for one in new], look_first=True)
            stored = assessments.store_rows(session, rows, look_first=True)
            fresh = {one.id for one in came if one.is_stored}
            add_records(session, fresh, now)
            if touched := students_with_new(rows, stored) - fresh:
                recompute(session, touched, now)
        return came, stored
