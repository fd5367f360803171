"""Marks that are not in staffstuddash."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Unpack

from sqlalchemy import select
from sqlalchemy.orm import Session

from dropout_service.database.students.locking import (
    ensure_and_lock,
    ensure_and_lock_one,
    insert_unless_erased,
    require_student,
)
from dropout_service.domain.scores import stored_score
from dropout_service.errors import AssessmentExists
from dropout_service.models import Assessment
from shared_db.clock import utc_now
from shared_db.columns import Row
from shared_db.ids import new_id
from shared_db.queries.filters import Columns
from shared_db.queries.pagination import Keyset, Page, PageOptions
from shared_db.repository import Repository
from shared_db.results import InsertResult, Outcome
from shared_db.spool.spoolable import SpoolableType
from shared_db.writes.idempotent_insert import content_digest, insert_idempotent

ASSESSMENTS_BY_TIME = Keyset(
    "assessments", (Assessment.submitted_at, Assessment.id), is_descending=True
)
ASSESSMENT_COLUMNS: Columns = {
    "type": Assessment.type,
    "subject": Assessment.subject,
    "course": Assessment.course,
    "score": Assessment.score,
    "submitted_at": Assessment.submitted_at,
}


@dataclass(frozen=True)
class AssessmentToStore:
    """Mark to insert; without an id it gets a new one, without `submitted_at` the present time."""

    student_id: str
    type: str
    subject: str
    score: float | None
    max_score: float = 100
    course: str | None = None
    submitted_at: datetime | None = None
    id: str | None = None
    accepted_at: datetime | None = None
    extra_credit: bool = False
    excused: bool = False

    def values(self, now: datetime) -> Row:
        """Return the row to insert."""
        sent = asdict(self)
        sent |= {
            "score": None if self.score is None else float(self.score),
            "max_score": float(self.max_score),
            # Absent from the digest unless true, as in the digests of earlier releases.
            "extra_credit": self.extra_credit or None,
            "excused": self.excused or None,
        }
        id_ = sent.pop("id") or new_id()
        at = sent.pop("accepted_at") or now
        return {
            **sent,
            "score": self.stored_score(),
            "extra_credit": self.extra_credit,
            "excused": self.excused,
            "submitted_at": self.submitted_at or at,
            "id": id_,
            "recorded_at": at,
            "digest": content_digest(sent),
        }

    def stored_score(self) -> float | None:
        """Return the score to store.

        Raises:
            ValueError: as the function of the domain.

        """
        return stored_score(
            self.score, self.max_score, extra_credit=self.extra_credit, excused=self.excused
        )


def _replay(manager: Any, assessments: Sequence[AssessmentToStore]) -> list[InsertResult]:
    results: list[InsertResult] = manager.assessments.add_many(assessments)
    return results


ASSESSMENT = SpoolableType(
    "assessment",
    AssessmentToStore,
    Assessment,
    AssessmentToStore.values,
    AssessmentExists,
    _replay,
    subject=lambda assessment: assessment.student_id,
)


class AssessmentRepository(Repository):
    """Marks that are not in staffstuddash."""

    def add(
        self,
        student_id: str,
        type: str,  # noqa: A002 - the name of the field
        subject: str,
        score: float | None,
        *,
        max_score: float = 100,
        course: str | None = None,
        submitted_at: datetime | None = None,
        assessment_id: str | None = None,
        extra_credit: bool = False,
        excused: bool = False,
    ) -> Assessment:
        """Insert a mark, and its student if new.

        score: 0 to max_score, with extra credit to twice of it; None if excused.
        submitted_at: when the work was handed in, by default now.

        Raises:
            AssessmentExists: the assessment's id is stored with other content.
            StudentErased: all data of the student were erased.
            ValueError: the score is out of range, or missing, or given though excused.

        """
        new = AssessmentToStore(
            student_id,
            type,
            subject,
            score,
            max_score,
            course,
            submitted_at,
            assessment_id,
            extra_credit=extra_credit,
            excused=excused,
        )
        new.stored_score()
        return self.insert(ASSESSMENT, new, _insert)

    def add_many(self, assessments: Sequence[AssessmentToStore]) -> list[InsertResult]:
        """Insert marks as `add` does and return the result of each, in order."""
        return self.insert_many(ASSESSMENT, assessments, _insert_many)

    def search(self, student_id: str, **options: Unpack[PageOptions]) -> Page[Assessment]:
        """Return the marks of the student that are stored here, the latest first.

        Raises:
            StudentNotFound: no row of that student is stored.
            StudentErased: all data of the student were erased.
            ServiceError: as `Repository.page`.

        """
        query = select(Assessment).where(Assessment.student_id == student_id)
        return self.page(
            ASSESSMENTS_BY_TIME,
            query,
            ASSESSMENT_COLUMNS,
            require=lambda session: require_student(session, student_id),
            **options,
        )


def _insert(session: Session, assessment: AssessmentToStore) -> Assessment:
    now = utc_now()
    ensure_and_lock_one(session, assessment.student_id, now)
    return insert_idempotent(session, Assessment, assessment.values(now), AssessmentExists)


def _insert_many(session: Session, assessments: Sequence[AssessmentToStore]) -> list[InsertResult]:
    now = utc_now()
    erased = ensure_and_lock(session, {one.student_id for one in assessments}, now)
    rows = [one.values(now) for one in assessments]
    is_erased = [one.student_id in erased for one in assessments]
    results = insert_unless_erased(session, Assessment, rows, is_erased)
    return [
        result._replace(refusal=AssessmentExists(result.id))
        if result.outcome is Outcome.CONFLICT
        else result
        for result in results
    ]
