"""The manager of this service: every query on its tables, and the design's short functions."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.database import Database
from shared_db.ids import new_id
from shared_db.naming import digest_of, store_one
from shared_db.paging import Keyset, Page
from staffstuddash_service.domain.performance import Mark, Performance, percentage, summarise
from staffstuddash_service.errors import AssessmentExists, StudentExists, StudentNotFound
from staffstuddash_service.models import (
    AssessmentLog,
    Base,
    PerformanceRecord,
    Student,
    published_risk,
)
from staffstuddash_service.settings import Settings

STUDENTS_BY_ID = Keyset("students", (Student.id,))
ASSESSMENTS_BY_TIME = Keyset(
    "assessments", (AssessmentLog.timestamp, AssessmentLog.id), is_descending=True
)
DASHBOARD_BY_ID = Keyset("dashboard", (Student.id,))


@dataclass(frozen=True)
class Risk:
    """The latest dropout prediction of a student, as the dropout service publishes it."""

    score: float
    level: str
    dropout_type: str
    as_of: datetime


@dataclass(frozen=True)
class DashboardRow:
    """One student on the teacher's dashboard; `risk` is None for the reason beside it."""

    student_id: str
    name: str
    mean_percentage: float | None
    assessment_count: int
    last_submitted_at: datetime | None
    risk: Risk | None
    risk_missing_because: str | None


class DatastoreManager:
    """Students, their assessments and what these add up to. Each method is one unit of work."""

    def __init__(self, database: Database | None = None) -> None:
        self.database = database or Database.from_settings(
            "staffstuddash", Base.metadata, Settings.load
        )
        self.get_session = self.database.get_session

    @property
    def use_fallback(self) -> bool:
        """Tell whether the in-memory store answers."""
        return self.database.use_fallback

    def add_student(self, student_id: str, name: str, email: str | None = None) -> Student:
        """Store a student; the same again changes nothing and is marked `is_repeat`.

        Raises:
            StudentExists: the id is stored with another name or e-mail.

        """
        now = utc_now()
        row = Student(
            id=student_id,
            name=name,
            email=email,
            created_at=now,
            updated_at=now,
            digest=digest_of({"name": name, "email": email}),
        )
        with self.database.unit_of_work() as session:
            return store_one(session, row, StudentExists)

    def get_student(self, student_id: str) -> Student:
        """Return the student.

        Raises:
            StudentNotFound: no student has that id.

        """
        with self.database.reading() as session:
            return _student(session, student_id)

    def get_students(self, *, after: str | None = None, limit: int = 100) -> Page[Student]:
        """Return students by id, following the cursor `after`.

        Raises:
            MalformedCursor: the cursor is not one of this list.

        """
        with self.database.reading() as session:
            return STUDENTS_BY_ID.page(session, select(Student), after=after, limit=limit)

    def add_assessment(
        self,
        student_id: str,
        type: str,  # noqa: A002 - the field's word, and the design's
        subject: str,
        score: float,
        *,
        max_score: float = 100,
        topic: str | None = None,
        timestamp: datetime | None = None,
        assessment_id: str | None = None,
    ) -> AssessmentLog:
        """Store an assessment and bring the student's performance record up to it.

        score: 0 to max_score. timestamp: when it was handed in, by default now.

        Raises:
            StudentNotFound: no student has that id.
            AssessmentExists: the assessment's id is stored with other content.
            ValueError: the score is not between 0 and max_score.

        """
        percentage(score, max_score)
        now = utc_now()
        sent = {
            "student_id": student_id,
            "type": type,
            "subject": subject,
            "score": float(score),
            "max_score": float(max_score),
            "topic": topic,
            "timestamp": timestamp,
        }
        row = AssessmentLog(
            **{**sent, "timestamp": timestamp or now},
            id=assessment_id or new_id(),
            created_at=now,
            digest=digest_of(sent),
        )
        with self.database.unit_of_work() as session:
            _student(session, student_id, lock=True)
            stored = store_one(session, row, AssessmentExists)
            if not stored.is_repeat:
                _recompute(session, student_id, now)
            return stored

    def get_student_assessments(
        self, student_id: str, *, after: str | None = None, limit: int = 100
    ) -> Page[AssessmentLog]:
        """Return the student's assessments, the latest first.

        Raises:
            StudentNotFound: no student has that id.
            MalformedCursor: the cursor is not one of this list.

        """
        query = select(AssessmentLog).where(AssessmentLog.student_id == student_id)
        with self.database.reading() as session:
            _student(session, student_id)
            return ASSESSMENTS_BY_TIME.page(session, query, after=after, limit=limit)

    def get_performance_record(self, student_id: str) -> PerformanceRecord:
        """Return what the student's marks add up to; an empty record when there are none.

        Raises:
            StudentNotFound: no student has that id.

        """
        with self.database.reading() as session:
            student = _student(session, student_id)
            record = session.get(PerformanceRecord, student_id)
            return record or _record(student_id, summarise([]), student.created_at)

    def get_teacher_dashboard(
        self, *, after: str | None = None, limit: int = 100
    ) -> Page[DashboardRow]:
        """Return a row per student by id: performance and dropout risk, in one query.

        Raises:
            MalformedCursor: the cursor is not one of this list.

        """
        with self.database.reading() as session:
            query = _dashboard(with_risk=not self.use_fallback)
            rows, following = DASHBOARD_BY_ID.rows(session, query, after=after, limit=limit)
        return Page([_dashboard_row(*row[:-1]) for row in rows], following)


def _student(session: Session, student_id: str, *, lock: bool = False) -> Student:
    student = session.get(Student, student_id, with_for_update=lock)
    if student is None:
        raise StudentNotFound(student_id)
    return student


def _recompute(session: Session, student_id: str, now: datetime) -> None:
    # From the rows, not by adding up: right whatever order parallel writers come in.
    query = select(AssessmentLog).where(AssessmentLog.student_id == student_id)
    marks = [
        Mark(row.subject, percentage(row.score, row.max_score), row.timestamp)
        for row in session.scalars(query)
    ]
    session.merge(_record(student_id, summarise(marks), now))


def _record(student_id: str, performance: Performance, now: datetime) -> PerformanceRecord:
    subjects = performance.subjects
    return PerformanceRecord(
        student_id=student_id,
        mean_percentage=performance.mean_percentage,
        assessment_count=performance.assessment_count,
        last_submitted_at=max((s.last_submitted_at for s in subjects), default=None),
        subjects=[
            {**asdict(s), "last_submitted_at": s.last_submitted_at.isoformat()} for s in subjects
        ],
        updated_at=now,
    )


def _dashboard(*, with_risk: bool) -> Select[*tuple[Any, ...]]:
    record = PerformanceRecord
    query: Select[*tuple[Any, ...]] = select(
        Student.id,
        Student.name,
        record.mean_percentage,
        record.assessment_count,
        record.last_submitted_at,
    ).outerjoin(record, record.student_id == Student.id)
    if not with_risk:
        return query
    risk = published_risk.c
    return query.outerjoin(published_risk, risk.student_id == Student.id).add_columns(
        risk.risk_score, risk.risk_level, risk.dropout_type, risk.as_of
    )


def _dashboard_row(
    student_id: str,
    name: str,
    mean_percentage: float | None,
    assessment_count: int | None,
    last_submitted_at: datetime | None,
    *risk: object,
) -> DashboardRow:
    missing = None
    if not risk:
        missing = "not available without PostgreSQL"
    elif risk[0] is None:
        missing = "no prediction yet"
    return DashboardRow(
        student_id=student_id,
        name=name,
        mean_percentage=mean_percentage,
        assessment_count=assessment_count or 0,
        last_submitted_at=last_submitted_at,
        risk=None if missing else Risk(*risk),  # type: ignore[arg-type] # the view's columns
        risk_missing_because=missing,
    )


datastore = DatastoreManager()
add_student = datastore.add_student
get_student = datastore.get_student
add_assessment = datastore.add_assessment
