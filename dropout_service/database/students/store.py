"""Students: repository, and erasure of all data of a student."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Unpack

from sqlalchemy import select
from sqlalchemy.orm import Session

from dropout_service.database.students.erasure import (
    delete_rows,
    ids_of_student,
    insert_tombstone,
    lock_erased,
    lock_to_erase,
)
from dropout_service.database.students.identifiers import students_known_elsewhere
from dropout_service.database.students.locking import (
    MERGED_MEANWHILE,
    ensure_and_lock_each,
    ensure_and_lock_one,
    erased_among,
    require_student,
)
from dropout_service.errors import StudentErased, StudentExists, StudentNotErased
from dropout_service.models import Alias, Student
from shared_db.clock import utc_now
from shared_db.columns import Row
from shared_db.errors import DatabaseBusy, NeedsPostgresql
from shared_db.queries.pagination import Keyset, Page, PageOptions
from shared_db.repository import Repository
from shared_db.results import InsertResult
from shared_db.spool.purge import purge_erased, purge_students
from shared_db.spool.spoolable import SpoolableType, result_per_item
from shared_db.writes.idempotent_insert import Digests, content_digest

STUDENTS_BY_ID = Keyset("students", (Student.id,))


@dataclass(frozen=True)
class StudentToStore:
    """Student to insert."""

    id: str
    name: str | None = None
    email: str | None = None
    accepted_at: datetime | None = None

    def values(self, now: datetime) -> Row:
        """Return the row of a new student."""
        return {
            "id": self.id,
            "name": self.name,
            "email": self.email,
            "created_at": self.accepted_at or now,
            "digest": content_digest({"name": self.name, "email": self.email}),
        }


def _replay(manager: Any, students: Sequence[StudentToStore]) -> list[InsertResult]:
    results: list[InsertResult] = manager.students.add_many(students)
    return results


STUDENT = SpoolableType(
    "student",
    StudentToStore,
    Student,
    StudentToStore.values,
    StudentExists,
    _replay,
    subject=lambda student: student.id,
)


class StudentRepository(Repository):
    """Students: sent with a name and e-mail, or created by their events."""

    def add(self, student_id: str, name: str | None = None, email: str | None = None) -> Student:
        """Insert a student; repeating the call is a no-op marked `is_replay`.

        Name and e-mail are filled in for a student that was created by events. Under a former id
        the content from before the merge is a replay, which returns the present student.

        Raises:
            StudentExists: the id is stored with another name or e-mail.
            StudentErased: all data of the student were erased.

        """
        return self.insert(STUDENT, StudentToStore(student_id, name, email), _insert)

    def add_many(self, students: Sequence[StudentToStore]) -> list[InsertResult]:
        """Insert students as `add` does and return the result of each, in order."""
        return self.insert_many(STUDENT, students, _insert_many)

    def get(self, student_id: str) -> Student:
        """Return the student.

        Raises:
            StudentNotFound: no row of that student is stored.
            StudentErased: all data of the student were erased.

        """
        return self.get_or_spooled(
            STUDENT, student_id, lambda session: require_student(session, student_id)
        )

    def search(
        self, *, identifier: tuple[str, str | None] | None = None, **options: Unpack[PageOptions]
    ) -> Page[Student]:
        """Return a page of the students by id.

        identifier: exact value of an identifier in another system, and the system; None: any
        system. Its students need not have rows here; their `created_at` is None then.

        Raises:
            NeedsPostgresql: the in-memory store has no identifiers.
            ServiceError: as `Repository.page`.

        """
        if identifier is None:
            return self.page(STUDENTS_BY_ID, select(Student), **options)
        if self.use_fallback:
            raise NeedsPostgresql("The in-memory store has no identifiers of other systems.")
        after, limit = options.get("after"), options.get("limit", 100)
        return self.read(
            lambda session: students_known_elsewhere(session, *identifier, after=after, limit=limit)
        )

    def update(self, student_id: str, changes: dict[str, Any]) -> Student:
        """Update `name` or `email`.

        Raises:
            StudentNotFound: no row of that student is stored.
            StudentErased: all data of the student were erased.

        """
        return self.write(lambda session: _update(session, student_id, changes))

    def erase(self, student_id: str) -> dict[str, int]:
        """Erase all data of a student for good; return the number of deleted rows by table.

        Rows under any Unicode form of the id, and under merged ids, are erased. Tombstones stay, so
        that late rows are rejected. Erasing again deletes nothing.

        Raises:
            DatabaseBusy: the student is being merged now.

        """

        def erase(session: Session) -> tuple[dict[str, int], list[str]]:
            ids = ids_of_student(session, student_id)
            for id_ in ids:
                insert_tombstone(session, id_)
            inserted = lock_to_erase(session, ids)
            if ids_of_student(session, student_id) != ids:
                raise DatabaseBusy(MERGED_MEANWHILE)
            deleted = Counter[str]()
            for id_ in ids:
                deleted.update(delete_rows(session, id_))
            deleted["students"] -= inserted
            return dict(deleted), ids

        deleted, ids = self.write(erase)
        purge_students(self.spool, ids)
        return deleted

    def follow_erasure(self, student_id: str) -> dict[str, int]:
        """Erase a student at once whom staffstuddash has erased, as `erase`.

        Raises:
            StudentNotErased: staffstuddash has not erased the student.
            DatabaseBusy: the student is being merged now.

        """
        # A tombstone is never removed, so it still holds in the transaction of the erasure.
        if not self.erased_among([student_id]):
            raise StudentNotErased(student_id)
        return self.erase(student_id)

    def ids_of(self, student_id: str) -> list[str]:
        """Return all ids of a student: the present one, former ones, and their Unicode forms."""
        return self.read(lambda session: ids_of_student(session, student_id))

    def erase_deleted(self) -> int:
        """Erase up to 100 students that were erased in staffstuddash; return their number.

        Rows that were inserted during an erasure are deleted too, and in the spool the rejected
        rows of erased students.
        """

        def erase(session: Session) -> int:
            students = lock_erased(session)
            for student_id in students:
                for id_ in ids_of_student(session, student_id):
                    insert_tombstone(session, id_)
                delete_rows(session, student_id)
            return len(students)

        count = self.write(erase)
        purge_erased(self.spool, self.erased_among)
        return count

    def erased_among(self, student_ids: Collection[str]) -> set[str]:
        """Return the erased ones of these students, erased here or in staffstuddash."""
        return self.read(lambda session: erased_among(session, student_ids))


def _insert(session: Session, student: StudentToStore) -> Student:
    row = student.values(utc_now())
    owner = ensure_and_lock_one(session, student.id, row["created_at"])
    return _fill_in(session, row, owner)


def _insert_many(session: Session, students: Sequence[StudentToStore]) -> list[InsertResult]:
    now = utc_now()
    created = {student.id: student.accepted_at or now for student in students}
    # All at once: locked one by one, two such transactions could deadlock.
    locked = ensure_and_lock_each(session, created)

    def insert(student: StudentToStore) -> Student:
        if student.id in locked.erased:
            raise StudentErased(student.id)
        return _fill_in(session, student.values(now), locked.owner(student.id))

    return result_per_item(students, insert, STUDENT.id_of)


def _fill_in(session: Session, row: Row, owner: str) -> Student:
    """Store name and e-mail of a locked student, unless others are stored.

    owner: the present id. Under a former id, content that was stored under it is a replay.
    """
    student = session.get_one(Student, owner)
    if student.digest is None:
        student.name, student.email, student.digest = row["name"], row["email"], row["digest"]
        return student
    digests = Digests(student.digest, _present_digest(student))
    alias = None if owner == row["id"] else session.get(Alias, row["id"])
    was_merged = alias is not None and alias.digest == row["digest"]
    if not was_merged and not digests.is_replay(student.id, row["digest"]):
        raise StudentExists(row["id"])
    student.is_replay = True
    return student


def _present_digest(student: Student) -> bytes:
    return content_digest({"name": student.name, "email": student.email})


def _update(session: Session, student_id: str, changes: dict[str, Any]) -> Student:
    # The lock comes first: the second of two concurrent calls finds the change or the tombstone.
    session.get(Student, student_id, with_for_update=True)
    student = require_student(session, student_id)
    if student.digest is None:
        # From now on the name is known, and one that is sent as new is a conflict.
        student.digest = _present_digest(student)
    for name, value in changes.items():
        setattr(student, name, value)
    return student
