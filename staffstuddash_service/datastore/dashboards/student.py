"""Student's dashboard: one student's record, concepts and risk, in one query."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from shared_db.repository import Repository
from staffstuddash_service.datastore.dashboards.risk import (
    IS_RESTRICTED,
    RISK_COLUMNS,
    Risk,
    risk_of,
)
from staffstuddash_service.datastore.student_locks import find_student
from staffstuddash_service.models import (
    ConceptStanding,
    PerformanceRecord,
    Student,
)
from staffstuddash_service.models.published import published_risk


@dataclass(frozen=True)
class StudentDashboard:
    """Student with their performance record, concepts and dropout risk."""

    student: Student
    performance: PerformanceRecord
    concepts: Sequence[ConceptStanding]
    risk: Risk | None
    risk_missing_because: str | None


class StudentDashboardRepository(Repository):
    """Student's dashboard."""

    def get(self, student_id: str) -> StudentDashboard:
        """Return the student's dashboard, the concepts by subject and name.

        Raises:
            StudentNotFound: no student has that id.
            StudentErased: the student was erased.

        """
        query = _query(with_risk=not self.use_fallback).where(Student.id == student_id)

        def read(session: Session) -> Sequence[Any]:
            rows = session.execute(query).all()
            if not rows:
                find_student(session, student_id)  # raises the reason
            return rows

        rows = self.read(read)
        risk, missing = risk_of(rows[0][4:], is_restricted=rows[0][3], is_memory=self.use_fallback)
        concepts = [row[2] for row in rows if row[2] is not None]
        concepts.sort(key=lambda standing: (standing.subject, standing.concept))
        return StudentDashboard(rows[0][0], rows[0][1], concepts, risk, missing)


def _query(*, with_risk: bool) -> Select[*tuple[Any, ...]]:
    query: Select[*tuple[Any, ...]] = (
        select(Student, PerformanceRecord, ConceptStanding, IS_RESTRICTED)
        .join(PerformanceRecord, PerformanceRecord.student_id == Student.id)
        .outerjoin(ConceptStanding, ConceptStanding.student_id == Student.id)
    )
    if not with_risk:
        return query
    is_theirs = published_risk.c.student_id == Student.id
    return query.outerjoin(published_risk, is_theirs).add_columns(*RISK_COLUMNS)
