"""Students, and erasing all that is known of one."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from dropout_service.database.students.locking import (
    deleted_among,
    ensure_and_lock_one,
    require_student,
    tombstones,
)
from dropout_service.errors import StudentExists
from dropout_service.models import (
    Assessment,
    DailyActivity,
    Deletion,
    DropoutPrediction,
    Enrolment,
    EnrolmentBackground,
    FeatureSet,
    LearningEvent,
    PredictionFeedback,
    ResourceUse,
    Student,
    Submission,
)
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.pseudonyms import pseudonym_of
from shared_db.queries.pagination import Keyset, Page
from shared_db.repository import Repository
from shared_db.spool.purge import forget_erased, purge_students
from shared_db.spool.writes import SpoolableType, get_or_spooled, insert_or_spool, one_by_one
from shared_db.writes.idempotent_insert import content_digest

STUDENTS_BY_ID = Keyset("students", (Student.id,))
MOST_ERASED_AT_ONCE = 100
OWNED = (
    DropoutPrediction,
    FeatureSet,
    Assessment,
    DailyActivity,
    ResourceUse,
    LearningEvent,
    Enrolment,
)


@dataclass(frozen=True)
class StudentToStore:
    """A student before they are stored."""

    id: str
    name: str | None = None
    email: str | None = None
    accepted_at: datetime | None = None

    def row(self, now: datetime) -> Student:
        """Return the row of a student of whom nothing was heard before."""
        digest = content_digest({"name": self.name, "email": self.email})
        at = self.accepted_at or now
        return Student(id=self.id, name=self.name, email=self.email, created_at=at, digest=digest)


def _give(manager: "Students", student: StudentToStore) -> Student:
    return manager.store_student(student)


STUDENT = SpoolableType(
    "student",
    StudentToStore,
    StudentToStore.row,
    StudentExists,
    one_by_one(_give),
    subject=lambda new: new.id,
)


class Students(Repository):
    """The students of whom something was heard."""

    def add_student(
        self, student_id: str, name: str | None = None, email: str | None = None
    ) -> Student:
        """Store a student; the same again changes nothing and is marked `is_replay`.

        Of a student that so far only an event told of, name and e-mail are filled in.

        Raises:
            StudentExists: the id is stored with another name or e-mail.
            StudentDeleted: all data of the student were erased.

        """
        return self.store_student(StudentToStore(student_id, name, email))

    def store_student(self, student: StudentToStore) -> Student:
        """Do what `add_student` does."""
        return insert_or_spool(self.database, STUDENT, student, partial(_store, self.database))

    def get_student(self, student_id: str) -> Student:
        """Return the student.

        Raises:
            StudentNotFound: nothing was heard of that student.
            StudentDeleted: all data of the student were erased.

        """

        def read() -> Student:
            with self.database.reading() as session:
                return require_student(session, student_id)

        return get_or_spooled(self.database, STUDENT, student_id, read)

    def get_students(self, *, after: str | None = None, limit: int = 100) -> Page[Student]:
        """Return students by id, following the cursor `after`.

        Raises:
            MalformedCursor: the cursor is not one of this list.

        """
        with self.database.reading() as session:
            return STUDENTS_BY_ID.page(session, select(Student), after=after, limit=limit)

    def erase_student(self, student_id: str) -> dict[str, int]:
        """Erase all that is stored of a student, for good; return the rows removed per table.

        A tombstone stays, so that late rows are refused. Once erased, again removes nothing.
        """
        with self.database.unit_of_work() as session:
            _bury(session, pseudonym_of(student_id))
            locked = select(Student.id).where(Student.id == student_id)
            session.execute(locked.with_for_update())
            removed = _erase(session, student_id)
        purge_students(self.database, [student_id])
        return removed

    def erase_deleted_students(self) -> int:
        """Erase students that staffstuddash has deleted, at most 100; return how many.

        Also those whose rows came in while they were being erased, and what waits in the spool
        because it was refused.
        """
        with self.database.unit_of_work() as session:
            tombstone = tombstones(session)
            query = (
                select(Student.id)
                .where(Student.pseudonym.in_(select(tombstone.c.pseudonym)))
                .order_by(Student.id)
                .limit(MOST_ERASED_AT_ONCE)
                .with_for_update(skip_locked=True)
            )
            student_ids = session.scalars(query).all()
            for student_id in student_ids:
                _bury(session, pseudonym_of(student_id))
                _erase(session, student_id)
        forget_erased(self.database, self.erased_among)
        return len(student_ids)

    def erased_among(self, student_ids: Collection[str]) -> set[str]:
        """Return those of the students who were erased, here or in staffstuddash."""
        with self.database.reading() as session:
            return deleted_among(session, student_ids)


def _store(database: Database, new: StudentToStore) -> Student:
    row = new.row(utc_now())
    with database.unit_of_work() as session:
        ensure_and_lock_one(session, new.id, row.created_at)
        student = session.get_one(Student, new.id)
        if student.digest is not None and student.digest != row.digest:
            raise StudentExists(new.id)
        student.is_replay = student.digest is not None
        student.name, student.email, student.digest = new.name, new.email, row.digest
        return student


def _bury(session: Session, pseudonym: str) -> None:
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    insert = dialect.insert(Deletion).on_conflict_do_nothing(index_elements=["pseudonym"])
    session.execute(insert, [{"pseudonym": pseudonym, "deleted_at": utc_now()}])


def _erase(session: Session, student_id: str) -> dict[str, int]:
    own = select(DropoutPrediction.id).where(DropoutPrediction.student_id == student_id)
    enrolments = select(Enrolment.id).where(Enrolment.student_id == student_id)
    removals: dict[str, Any] = {
        "prediction_feedback": delete(PredictionFeedback).where(
            PredictionFeedback.prediction_id.in_(own)
        ),
    }
    for part in (Submission, EnrolmentBackground):
        of_theirs = part.enrolment_id.in_(enrolments)
        removals[part.__tablename__] = delete(part).where(of_theirs)
    for model in OWNED:
        removals[model.__tablename__] = delete(model).where(model.student_id == student_id)
    removals["students"] = delete(Student).where(Student.id == student_id)
    options = {"synchronize_session": False}
    return {
        table: session.connection().execute(removal, execution_options=options).rowcount
        for table, removal in removals.items()
    }
