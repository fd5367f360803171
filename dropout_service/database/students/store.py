"""Students: repository, and erasure of all data of a student."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Unpack

from sqlalchemy import delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from dropout_service.database.students.locking import (
    MERGED_MEANWHILE,
    ensure_and_lock_each,
    ensure_and_lock_one,
    erased_among,
    require_student,
    tombstones,
)
from dropout_service.errors import StudentErased, StudentExists
from dropout_service.models import (
    Alias,
    Assessment,
    DailyActivity,
    Deletion,
    DropoutPrediction,
    Enrolment,
    EnrolmentBackground,
    FeatureSet,
    LearningEvent,
    MarkCorrection,
    PredictionFeedback,
    ResourceUse,
    Student,
    Submission,
)
from shared_db.clock import utc_now
from shared_db.columns import Row
from shared_db.errors import DatabaseBusy
from shared_db.pseudonyms import equivalent_ids, pseudonym_of
from shared_db.queries.pagination import Keyset, Page, PageOptions
from shared_db.repository import Repository
from shared_db.results import InsertResult
from shared_db.spool.purge import purge_erased, purge_students
from shared_db.spool.spoolable import SpoolableType, result_per_item
from shared_db.writes.idempotent_insert import Digests, content_digest

STUDENTS_BY_ID = Keyset("students", (Student.id,))
# Students of one call of `erase_deleted`.
ERASURE_BATCH = 100
OWNED = (
    DropoutPrediction,
    FeatureSet,
    Assessment,
    MarkCorrection,
    DailyActivity,
    ResourceUse,
    LearningEvent,
    Enrolment,
)


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

    def search(self, **options: Unpack[PageOptions]) -> Page[Student]:
        """Return a page of the students by id."""
        return self.page(STUDENTS_BY_ID, select(Student), **options)

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
                _insert_tombstone(session, id_)
                session.execute(select(Student.id).where(Student.id == id_).with_for_update())
            if ids_of_student(session, student_id) != ids:
                raise DatabaseBusy(MERGED_MEANWHILE)
            deleted = Counter[str]()
            for id_ in ids:
                deleted.update(_delete_rows(session, id_))
            return dict(deleted), ids

        deleted, ids = self.write(erase)
        purge_students(self.spool, ids)
        return deleted

    def ids_of(self, student_id: str) -> list[str]:
        """Return all ids of a student: the present one, former ones, and their Unicode forms."""
        return self.read(lambda session: ids_of_student(session, student_id))

    def erase_deleted(self) -> int:
        """Erase up to 100 students that were erased in staffstuddash; return their number.

        Rows that were inserted during an erasure are deleted too, and in the spool the rejected
        rows of erased students.
        """

        def erase(session: Session) -> int:
            students = _lock_erased(session)
            for student_id in students:
                for id_ in ids_of_student(session, student_id):
                    _insert_tombstone(session, id_)
                _delete_rows(session, student_id)
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


def _lock_erased(session: Session) -> Sequence[str]:
    """Lock and return students with a tombstone, except those that another process locks."""
    tombstone = tombstones(session)
    query = select(Student.id).where(Student.pseudonym.in_(select(tombstone.c.pseudonym)))
    locked = query.with_for_update(skip_locked=True)
    return session.scalars(locked.order_by(Student.id).limit(ERASURE_BATCH)).all()


def ids_of_student(session: Session, student_id: str) -> list[str]:
    """Return all ids of a student, sorted: also former ones, each in its Unicode forms."""
    forms = equivalent_ids(student_id)
    present = select(Alias.new_id).where(Alias.old_id.in_(forms))
    is_theirs = or_(Alias.new_id.in_(forms), Alias.new_id.in_(present))
    aliases = session.execute(select(Alias.old_id, Alias.new_id).where(is_theirs))
    ids = {id_ for pair in aliases for id_ in pair}.union(forms)
    return sorted({form for id_ in ids for form in equivalent_ids(id_)})


def _insert_tombstone(session: Session, student_id: str) -> None:
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    insert = dialect.insert(Deletion).on_conflict_do_nothing(index_elements=["pseudonym"])
    tombstone = {"pseudonym": pseudonym_of(student_id), "deleted_at": utc_now()}
    session.execute(insert, [tombstone])


def _delete_rows(session: Session, student_id: str) -> dict[str, int]:
    """Delete all rows of a student; return their number by table."""
    own = select(DropoutPrediction.id).where(DropoutPrediction.student_id == student_id)
    enrolments = select(Enrolment.id).where(Enrolment.student_id == student_id)
    statements: dict[str, Any] = {
        "prediction_feedback": delete(PredictionFeedback).where(
            PredictionFeedback.prediction_id.in_(own)
        ),
    }
    for part in (Submission, EnrolmentBackground):
        is_own = part.enrolment_id.in_(enrolments)
        statements[part.__tablename__] = delete(part).where(is_own)
    for model in OWNED:
        statements[model.__tablename__] = delete(model).where(model.student_id == student_id)
    statements["aliases"] = delete(Alias).where(Alias.new_id == student_id)
    statements["students"] = delete(Student).where(Student.id == student_id)
    options = {"synchronize_session": False}
    return {
        table: session.connection().execute(statement, execution_options=options).rowcount
        for table, statement in statements.items()
    }
