"""Marks that were sent here."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import select

from dropout_service.database.students.locking import ensure_and_lock_one, require_student
from dropout_service.errors import AssessmentExists
from dropout_service.models import Assessment
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.ids import new_id
from shared_db.queries.filters import Columns, Filter, conditions
from shared_db.queries.pagination import Keyset, Page
from shared_db.repository import Repository
from shared_db.spool.writes import SpoolableType, insert_or_spool, one_by_one
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
    """A mark before it is stored; without an id one is made, without a time it is now."""

    student_id: str
    type: str
    subject: str
    score: float
    max_score: float = 100
    course: str | None = None
    submitted_at: datetime | None = None
    id: str | None = None
    accepted_at: datetime | None = None

    def row(self, now: datetime) -> Assessment:
        """Return the row to store."""
        sent = asdict(self)
        sent |= {"score": float(self.score), "max_score": float(self.max_score)}
        id_ = sent.pop("id") or new_id()
        at = sent.pop("accepted_at") or now
        filled = {**sent, "submitted_at": self.submitted_at or at}
        return Assessment(**filled, id=id_, recorded_at=at, digest=content_digest(sent))


def _give(manager: "Assessments", assessment: AssessmentToStore) -> Assessment:
    return manager.store_assessment(assessment)


ASSESSMENT = SpoolableType(
    "assessment",
    AssessmentToStore,
    AssessmentToStore.row,
    AssessmentExists,
    one_by_one(_give),
    subject=lambda new: new.student_id,
)


class Assessments(Repository):
    """Marks that staffstuddash does not have."""

    def add_assessment(
        self,
        student_id: str,
        type: str,  # noqa: A002 - the field's word, and the design's
        subject: str,
        score: float,
        *,
        max_score: float = 100,
        course: str | None = None,
        submitted_at: datetime | None = None,
        assessment_id: str | None = None,
    ) -> Assessment:
        """Store a mark, and its student when not seen before.

        score: 0 to max_score. submitted_at: when it was handed in, by default now.

        Raises:
            AssessmentExists: the assessment's id is stored with other content.
            StudentDeleted: all data of the student were erased.
            ValueError: the score is not between 0 and max_score.

        """
        if not 0 <= score <= max_score or max_score == 0:
            raise ValueError("a score lies between 0 and max_score, which is more than 0")
        return self.store_assessment(
            AssessmentToStore(
                student_id, type, subject, score, max_score, course, submitted_at, assessment_id
            )
        )

    def store_assessment(self, assessment: AssessmentToStore) -> Assessment:
        """Do what `add_assessment` does."""
        return insert_or_spool(
            self.database, ASSESSMENT, assessment, partial(_store, self.database)
        )

    def get_student_assessments(
        self,
        student_id: str,
        *,
        filters: Sequence[Filter] = (),
        after: str | None = None,
        limit: int = 100,
    ) -> Page[Assessment]:
        """Return the marks of the student that were sent here, the latest first.

        Raises:
            StudentNotFound: nothing was heard of that student.
            StudentDeleted: all data of the student were erased.
            MalformedCursor: the cursor is not one of this list.

        """
        query = select(Assessment).where(Assessment.student_id == student_id)
        with self.database.reading_filtered() as session:
            require_student(session, student_id)
            query = query.where(*conditions(session, filters, ASSESSMENT_COLUMNS))
            return ASSESSMENTS_BY_TIME.page(session, query, after=after, limit=limit)


def _store(database: Database, assessment: AssessmentToStore) -> Assessment:
    now = utc_now()
    with database.unit_of_work() as session:
        ensure_and_lock_one(session, assessment.student_id, now)
        return insert_idempotent(session, assessment.row(now), AssessmentExists)
