"""Students: stored, found, changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.ids import new_id
from shared_db.queries.filters import Filter, conditions
from shared_db.queries.pagination import Keyset, Page
from shared_db.repository import Repository
from shared_db.spool.writes import (
    Returned,
    SpoolableType,
    get_or_spooled,
    insert_many_or_spool,
    insert_or_spool,
)
from shared_db.writes.idempotent_insert import (
    content_digest,
    insert_idempotent,
    insert_many_idempotent,
)
from staffstuddash_service.datastore.actions import log_action
from staffstuddash_service.datastore.performance import add_empty_records
from staffstuddash_service.datastore.results import Result, pending_results
from staffstuddash_service.datastore.student_locks import find_student, gone_among
from staffstuddash_service.errors import StudentErased, StudentExists
from staffstuddash_service.models import PerformanceRecord, Student

STUDENTS_BY_ID = Keyset("students", (Student.id,))
STUDENT_FIELDS = ("email", "created_at", "updated_at")
_COLUMNS = {name: getattr(Student, name) for name in STUDENT_FIELDS}


@dataclass(frozen=True)
class StudentToStore:
    """A student before they are stored; without an id one is made."""

    name: str
    email: str | None = None
    id: str | None = None
    accepted_at: datetime | None = None

    def row(self, now: datetime) -> Student:
        """Return the row to store."""
        at = self.accepted_at or now
        return Student(
            id=self.id or new_id(),
            name=self.name,
            email=self.email,
            created_at=at,
            updated_at=at,
            digest=content_digest({"name": self.name, "email": self.email}),
        )


def _give(manager: "Students", students: Sequence[StudentToStore]) -> list[Returned]:
    return [result.returned for result in manager.add_students(students)]


STUDENT = SpoolableType(
    "student", StudentToStore, StudentToStore.row, StudentExists, _give, subject=lambda new: new.id
)


class Students(Repository):
    """The record of students."""

    def add_student(self, student_id: str, name: str, email: str | None = None) -> Student:
        """Store a student; the same again changes nothing and is marked `is_replay`.

        Raises:
            StudentExists: the id is stored with another name or e-mail.
            StudentGone: a student of that id was erased.

        """
        new = StudentToStore(name, email, student_id)
        return insert_or_spool(self.database, STUDENT, new, partial(_store_student, self.database))

    def add_students(self, students: Sequence[StudentToStore]) -> list[Result]:
        """Store many students in one unit of work; return what became of each, in order."""
        store = partial(_store_students, self.database)
        return insert_many_or_spool(self.database, STUDENT, students, store, pending_results)

    def get_student(self, student_id: str) -> Student:
        """Return the student.

        Raises:
            StudentNotFound: no student has that id.
            StudentGone: the student was erased.

        """

        def read() -> Student:
            with self.database.reading() as session:
                return find_student(session, student_id)

        return get_or_spooled(self.database, STUDENT, student_id, read)

    def get_students(
        self,
        *,
        search: str | None = None,
        filters: Sequence[Filter] = (),
        after: str | None = None,
        limit: int = 100,
    ) -> Page[Student]:
        """Return students by id, following the cursor `after`.

        search: a part of the name or e-mail, whatever its case.

        Raises:
            MalformedCursor: the cursor is not one of this list.
            QueryTooExpensive: the conditions chosen take too long.

        """
        query = select(Student)
        if search is not None:
            query = query.where(Student.search_text.contains(search.casefold(), autoescape=True))
        with self.database.reading_filtered() as session:
            query = query.where(*conditions(session, filters, _COLUMNS))
            return STUDENTS_BY_ID.page(session, query, after=after, limit=limit)

    def change_student(self, student_id: str, changes: dict[str, Any], *, actor: str) -> Student:
        """Change `name` or `email`; what is the same already is no change and is not logged.

        Raises:
            StudentNotFound: no student has that id.
            StudentGone: the student was erased.

        """
        with self.database.unit_of_work() as session:
            student = find_student(session, student_id, lock=True)
            changed = sorted(n for n, value in changes.items() if getattr(student, n) != value)
            for name in changed:
                setattr(student, name, changes[name])
            if changed:
                student.updated_at = utc_now()
                # Which fields, not what they say: that is personal and stands in the student.
                data = {"fields": changed}
                log_action(session, student_id, actor, "student.changed", data=data)
            return student


def _store_student(database: Database, new: StudentToStore) -> Student:
    now = utc_now()
    row = new.row(now)
    with database.unit_of_work() as session:
        student = insert_idempotent(session, row, StudentExists)
        # After the INSERT, which waits for an erasure under way.
        if gone_among(session, [row.id]):
            raise StudentErased(row.id)
        if not student.is_replay:
            add_empty_records(session, [row.id], now)
        return student


def _store_students(database: Database, students: Sequence[StudentToStore]) -> list[Result]:
    now = utc_now()
    rows = [student.row(now) for student in students]
    with database.unit_of_work() as session:
        results = store_rows(session, rows)
        add_empty_records(session, [one.id for one in results if one.is_stored], now)
        return results


def store_rows(
    session: Session, rows: Sequence[Student], *, look_first: bool = False
) -> list[Result]:
    """Store new students, who still lack their records; return what became of each, in order.

    look_first: as `shared_db.writes.idempotent_insert.store_named` takes it.
    """
    outcomes = insert_many_idempotent(session, rows, look_first=look_first)
    gone = gone_among(session, {row.id for row in rows})
    _take_back(session, gone)
    return [
        Result(row.id, None, StudentErased(row.id)) if row.id in gone else Result(row.id, outcome)
        for row, outcome in zip(rows, outcomes, strict=True)
    ]


def _take_back(session: Session, student_ids: set[str]) -> None:
    if student_ids:
        # None has rows of their own yet: they came with this batch.
        record = PerformanceRecord.student_id
        session.execute(delete(PerformanceRecord).where(record.in_(student_ids)))
        session.execute(delete(Student).where(Student.id.in_(student_ids)))
