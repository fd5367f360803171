"""Students: inserted, read, searched, updated and erased."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Unpack

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.columns import Row
from shared_db.ids import new_id
from shared_db.pseudonyms import equivalent_ids
from shared_db.queries.dialects import in_list
from shared_db.queries.pagination import Keyset, Page, PageOptions
from shared_db.queries.plain_rows import find_plain
from shared_db.repository import Repository
from shared_db.results import InsertResult, Outcome, refused
from shared_db.spool.purge import purge_erased, purge_students, require_no_pending_writes
from shared_db.spool.spoolable import SpoolableType
from shared_db.writes.idempotent_insert import (
    content_digest,
    insert_idempotent,
    insert_many_idempotent,
)
from staffstuddash_service.datastore.actions import log_action
from staffstuddash_service.datastore.erasure import erase_rows, ids_of_student
from staffstuddash_service.datastore.memberships import EVERYBODY, Members, known_elsewhere
from staffstuddash_service.datastore.performance import insert_empty_records, insert_record
from staffstuddash_service.datastore.student_locks import (
    erased_among,
    find_student,
    lock_students,
    refusals_of_missing,
    require_not_erased,
    results_of_merged,
)
from staffstuddash_service.domain.sort_keys import sort_key
from staffstuddash_service.errors import StudentErased, StudentExists
from staffstuddash_service.models import PerformanceRecord, Student, sort_columns

STUDENTS_BY_ID = Keyset("students", (Student.id,))
STUDENT_FIELDS = ("email", "created_at", "updated_at")
_COLUMNS = {name: getattr(Student, name) for name in STUDENT_FIELDS}


@dataclass(frozen=True)
class StudentToStore:
    """New student; without an id one is made."""

    name: str
    email: str | None = None
    id: str | None = None
    accepted_at: datetime | None = None

    def values(self, now: datetime) -> Row:
        """Return the row to insert."""
        sent = {"name": self.name, "email": self.email}
        at = self.accepted_at or now
        return {
            **sent,
            **sort_columns(self.name, self.email),
            "id": self.id or new_id(),
            "created_at": at,
            "updated_at": at,
            "digest": content_digest(sent),
        }


STUDENT = SpoolableType(
    "student",
    StudentToStore,
    Student,
    StudentToStore.values,
    StudentExists,
    replay=lambda manager, students: manager.students.add_many(students),
    subject=lambda new: new.id,
)


class StudentRepository(Repository):
    """Students. `after_erasure` is called when an erasure is committed."""

    after_erasure: Callable[[], object] = staticmethod(lambda: None)

    def add(self, student_id: str, name: str, email: str | None = None) -> Student:
        """Insert a student; a replay changes nothing and is marked `is_replay`.

        Under a former id, content that was stored of the student is a replay, which returns the
        student it was merged into.

        Raises:
            StudentExists: the id is stored with another name or e-mail.
            StudentErased: a student of that id was erased.

        """
        return self.insert(STUDENT, StudentToStore(name, email, student_id), _insert)

    def add_many(self, students: Sequence[StudentToStore]) -> list[InsertResult]:
        """Insert students; return the result of each, in order."""
        return self.insert_many(STUDENT, students, insert_many)

    def get(self, student_id: str) -> Student:
        """Return the student.

        Raises:
            StudentNotFound: no student has that id.
            StudentErased: the student was erased.

        """

        def find(session: Session) -> Student:
            if found := find_plain(session, Student, student_id):
                return found
            raise refusals_of_missing(session, [student_id])[student_id]

        return self.get_or_spooled(STUDENT, student_id, find)

    def search(
        self,
        *,
        search: str | None = None,
        members: Members = EVERYBODY,
        identifier: tuple[str, str | None] | None = None,
        **options: Unpack[PageOptions],
    ) -> Page[Student]:
        """Return a page of the students by id, of a class or a person if given.

        search: a part of the name or e-mail; case and accents are ignored. identifier: exact value
        of an identifier in another system, and the system; None: any system.
        """
        query = select(Student).where(*members.conditions(Student.id))
        if search is not None:
            found = Student.search_text.contains(sort_key(search), autoescape=True)
            query = query.where(found)
        if identifier is not None:
            query = query.where(Student.id.in_(known_elsewhere(*identifier)))
        return self.page(STUDENTS_BY_ID, query, _COLUMNS, **options)

    def update(self, student_id: str, changes: dict[str, Any], *, actor: str) -> Student:
        """Update `name` or `email`; an equal value is no change and is not logged.

        Raises:
            StudentNotFound: no student has that id.
            StudentErased: the student was erased.

        """
        return self.write(lambda session: _update(session, student_id, changes, actor))

    def erase(self, student_id: str, *, actor: str = "veritas erase") -> dict[str, int]:
        """Erase all rows of a student, known or not, and leave a tombstone; idempotent.

        Rows under any Unicode form of the id, and under merged ids, are erased. Returns the number
        of rows removed by table. `action_logs` stay, under a pseudonym and without extra data.

        Raises StudentHeld: the student is under a legal hold.
        """
        ids = self.ids_of(student_id)
        removed = self.write(
            lambda session: erase_rows(session, student_id, actor, is_memory=self.use_fallback)
        )
        purge_students(self.spool, ids)
        self.after_erasure()
        return removed

    def ids_of(self, student_id: str) -> list[str]:
        """Return all ids of a student: the present one, former ones, and their Unicode forms."""
        return self.read(lambda session: ids_of_student(session, student_id))

    def delete(self, student_id: str, *, actor: str) -> tuple[dict[str, int], bool]:
        """Erase a known student; return the rows by table, and True for a replay.

        Raises:
            StudentHeld: nothing may be erased.
            StudentNotFound: no student has or had that id.
            StudentMerged: the student was merged into another id.
            DatabaseUnavailable: rows of the student wait in the spool.

        """
        ids = self.ids_of(student_id)
        require_no_pending_writes(self.spool, ids)
        deleted = self.write(
            lambda session: _delete(session, student_id, actor, is_memory=self.use_fallback)
        )
        purge_students(self.spool, ids)
        self.after_erasure()
        return deleted

    def purge_erased(self) -> int:
        """Delete rejected rows of erased students from the spool; return their number."""
        return purge_erased(self.spool, self.erased_among)

    def erased_among(self, student_ids: Collection[str]) -> set[str]:
        """Return the ids of the students that were erased."""
        return self.read(lambda session: erased_among(session, student_ids))


def _insert(session: Session, new: StudentToStore) -> Student:
    now = utc_now()
    row = new.values(now)
    student = insert_idempotent(session, Student, row, StudentExists)
    # After the INSERT, which waits for a concurrent erasure or merge.
    if not student.is_replay and insert_record(session, student.id, now):
        return student
    require_not_erased(session, student.id)
    if student.is_replay:
        return student
    if merged := results_of_merged(session, [row]):
        _remove(session, {student.id})
        [result] = merged.values()
        if result.outcome is Outcome.CONFLICT:
            raise StudentExists(student.id)
        present = find_student(session, result.id)
        present.is_replay = True
        return present
    insert_empty_records(session, [student.id], now)
    return student


def insert_many(session: Session, students: Sequence[StudentToStore]) -> list[InsertResult]:
    """Insert students with empty performance records; return the result of each, in order."""
    now = utc_now()
    results = insert_rows(session, [student.values(now) for student in students])
    insert_empty_records(session, [one.id for one in results if one.is_stored], now)
    return results


def insert_rows(
    session: Session, rows: Sequence[Row], *, look_first: bool = False
) -> list[InsertResult]:
    """Insert students without their performance records; return the result of each, in order.

    look_first: as in `insert_many_idempotent`.
    """
    results = insert_many_idempotent(session, Student, rows, look_first=look_first)
    # After the INSERT, which waits for a concurrent erasure.
    erased = erased_among(session, {row["id"] for row in rows})
    pairs = zip(rows, results, strict=True)
    stored = [row for row, result in pairs if result.is_stored]
    merged = results_of_merged(session, stored) if stored else {}
    _remove(session, erased.union(merged))

    def final(result: InsertResult) -> InsertResult:
        if result.id in erased:
            return refused(result.id, StudentErased(result.id))
        return merged.get(result.id, result)

    return [final(result) for result in results]


def _remove(session: Session, student_ids: set[str]) -> None:
    if student_ids:  # They came with this batch: they have no other rows yet.
        record = PerformanceRecord.student_id
        session.execute(delete(PerformanceRecord).where(record.in_(student_ids)))
        session.execute(delete(Student).where(Student.id.in_(student_ids)))


def _update(session: Session, student_id: str, changes: dict[str, Any], actor: str) -> Student:
    student = find_student(session, student_id, lock=True)
    _is_changed(session, student, changes, actor)
    return student


def update_many(session: Session, changes: Mapping[str, Row], actor: str) -> dict[str, bool]:
    """Update stored students by id; return True for each that was changed, False for the others.

    Students that were erased or merged are absent from the result.
    """
    is_asked = in_list(Student.id, "ids", session.get_bind().dialect.name)
    query = select(Student).where(is_asked).order_by(Student.id).with_for_update()
    refresh = {"populate_existing": True}
    found = session.scalars(query, {"ids": list(changes)}, execution_options=refresh)
    changed = {one.id: _is_changed(session, one, changes[one.id], actor) for one in found}
    session.flush()
    return changed


def _is_changed(session: Session, student: Student, changes: Row, actor: str) -> bool:
    """Update and log the fields that differ; return False if there are none."""
    changed = sorted(n for n, value in changes.items() if getattr(student, n) != value)
    for name in changed:
        setattr(student, name, changes[name])
    if changed:
        student.updated_at = utc_now()
        # The names of the fields only: their values are personal data.
        log_action(session, student.id, actor, "student.changed", data={"fields": changed})
    return bool(changed)


def _delete(
    session: Session, student_id: str, actor: str, *, is_memory: bool
) -> tuple[dict[str, int], bool]:
    # The lock comes first: the second of two concurrent calls finds the tombstone.
    is_known = bool(lock_students(session, equivalent_ids(student_id)))
    refusal = None if is_known else refusals_of_missing(session, [student_id])[student_id]
    is_replay = isinstance(refusal, StudentErased)
    if refusal is not None and not is_replay:
        raise refusal
    return erase_rows(session, student_id, actor, is_memory=is_memory), is_replay
