"""The dashboard of one student: everything that adds up, in one query."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select

from shared_db.repository import Repository
from staffstuddash_service.datastore.risk import RISK_COLUMNS, Risk, risk_of
from staffstuddash_service.datastore.student_locks import find_student
from staffstuddash_service.models import (
    ConceptStanding,
    PerformanceRecord,
    Student,
    published_risk,
)


@dataclass(frozen=True)
class StudentDashboard:
    """One student: who, how they do, at which concepts, and at what risk."""

    student: Student
    performance: PerformanceRecord
    concepts: Sequence[ConceptStanding]
    risk: Risk | None
    risk_missing_because: str | None


class StudentDashboards(Repository):
    """What is to be seen of one student."""

    def get_student_dashboard(self, student_id: str) -> StudentDashboard:
        """Return what is known of the student, their concepts by subject and name.

        Raises:
            StudentNotFound: no student has that id.
            StudentGone: the student was erased.

        """
        query = _query(with_risk=not self.use_fallback).where(Student.id == student_id)
        with self.database.reading() as session:
            rows = session.execute(query).all()
            if not rows:
                find_student(session, student_id)  # tells why
        risk, missing = risk_of(rows[0][3:], is_memory=self.use_fallback)
        concepts = [row[2] for row in rows if row[2] is not None]
        concepts.sort(key=lambda standing: (standing.subject, standing.concept))
        return StudentDashboard(rows[0][0], rows[0][1], concepts, risk, missing)


def _query(*, with_risk: bool) -> Select[*tuple[Any, ...]]:
    query: Select[*tuple[Any, ...]] = (
        select(Student, PerformanceRecord, ConceptStanding)
        .join(PerformanceRecord, PerformanceRecord.student_id == Student.id)
        .outerjoin(ConceptStanding, ConceptStanding.student_id == Student.id)
    )
    if not with_risk:
        return query
    is_theirs = published_risk.c.student_id == Student.id
    return query.outerjoin(published_risk, is_theirs).add_columns(*RISK_COLUMNS)
