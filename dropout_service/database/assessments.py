"""Marks that are not in staffstuddash."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Unpack

from sqlalchemy import select
from sqlalchemy.orm import Session

from dropout_service.database.corrections import correct, remove
from dropout_service.database.students.locking import (
    ensure_and_lock,
    ensure_and_lock_one,
    insert_unless_erased,
    require_student,
)
from dropout_service.domain.scores import stored_score
from dropout_service.errors import AssessmentDeleted, AssessmentExists, AssessmentNotFound
from dropout_service.models import Assessment, MarkCorrection
from shared_db.clock import utc_now
from shared_db.columns import Row
from shared_db.ids import new_id
from shared_db.queries.dialects import in_list
from shared_db.queries.filters import Columns
from shared_db.queries.pagination import Keyset, Page, PageOptions
from shared_db.repository import Repository
from shared_db.results import InsertResult, Outcome, refused
from shared_db.spool.spoolable import SpoolableType
from shared_db.writes.idempotent_insert import content_digest, insert_idempotent

ASSESSMENTS_BY_TIME = Keyset(
    "assessments", (Assessment.submitted_at, Assessment.id), is_descending=True
)
CORRECTIONS_BY_TIME = Keyset(
    "corrections", (MarkCorrection.corrected_at, MarkCorrection.id), is_descending=True
)
ASSESSMENT_COLUMNS: Columns = {
    "type": Assessment.type,
    "subject": Assessment.subject,
    "course": Assessment.course,
    "score": Assessment.score,
    "extra_credit": Assessment.extra_credit,
    "excused": Assessment.excused,
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
            AssessmentDeleted: the mark of that id was deleted.
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
        return self.insert(ASSESSMENT, new, _insert, of=[student_id])

    def add_many(self, assessments: Sequence[AssessmentToStore]) -> list[InsertResult]:
        """Insert marks as `add` does and return the result of each, in order."""
        return self.insert_many(
            ASSESSMENT, assessments, _insert_many, of=lambda one: one.student_id
        )

    def search(self, student_id: str, **options: Unpack[PageOptions]) -> Page[Assessment]:
        """Return the marks of the student that are stored here and not deleted, the latest first.

        Raises:
            StudentNotFound: no row of that student is stored.
            StudentErased: all data of the student were erased.
            ServiceError: as `Repository.page`.

        """
        mark = Assessment
        query = select(mark).where(mark.student_id == student_id, mark.deleted_at.is_(None))
        return self.page(
            ASSESSMENTS_BY_TIME,
            query,
            ASSESSMENT_COLUMNS,
            require=lambda session: require_student(session, student_id),
            **options,
        )

    def update(self, assessment_id: str, changes: Row, *, actor: str, reason: str) -> Assessment:
        """Correct a mark and store the reason; later features use the corrected one.

        changes: new values of `corrections.CORRECTABLE`. Equal values are no change. Excusing a
        mark removes its score.

        Raises:
            AssessmentNotFound: no mark of that id is stored here.
            AssessmentDeleted: the mark was deleted.
            StudentErased: all data of the student were erased.
            ScoreOutOfRange: the score does not fit the other fields.

        """
        return self.write(
            lambda session: correct(session, assessment_id, changes, actor, reason),
            of=self._students_of(assessment_id),
        )

    def delete(self, assessment_id: str, *, actor: str, reason: str) -> tuple[Assessment, bool]:
        """Delete a mark and store the reason; return it without its score, and True for a replay.

        Raises:
            AssessmentNotFound: no mark of that id is stored here.
            StudentErased: all data of the student were erased.

        """
        return self.write(
            lambda session: remove(session, assessment_id, actor, reason),
            of=self._students_of(assessment_id),
        )

    def _students_of(self, assessment_id: str) -> list[str] | None:
        query = select(Assessment.student_id).where(Assessment.id == assessment_id)
        return self.students_of(query, AssessmentNotFound(assessment_id))

    def search_corrections(
        self, student_id: str, **options: Unpack[PageOptions]
    ) -> Page[MarkCorrection]:
        """Return the corrections of the student's marks that are stored here, the latest first.

        Raises:
            StudentNotFound: no row of that student is stored.
            StudentErased: all data of the student were erased.
            ServiceError: as `Repository.page`.

        """
        query = select(MarkCorrection).where(MarkCorrection.student_id == student_id)
        return self.page(
            CORRECTIONS_BY_TIME,
            query,
            require=lambda session: require_student(session, student_id),
            **options,
        )


def _insert(session: Session, assessment: AssessmentToStore) -> Assessment:
    now = utc_now()
    owner = ensure_and_lock_one(session, assessment.student_id, now)
    # The digest stays that of the sent id: a repeated request has it, before and after a merge.
    row = {**assessment.values(now), "student_id": owner}
    stored = insert_idempotent(session, Assessment, row, AssessmentExists)
    if stored.deleted_at is not None:
        raise AssessmentDeleted(stored.id)
    return stored


def _insert_many(session: Session, assessments: Sequence[AssessmentToStore]) -> list[InsertResult]:
    now = utc_now()
    locked = ensure_and_lock(session, {one.student_id for one in assessments}, now)
    rows = [{**one.values(now), "student_id": locked.owner(one.student_id)} for one in assessments]
    is_erased = [one.student_id in locked.erased for one in assessments]
    results = insert_unless_erased(session, Assessment, rows, is_erased)
    deleted = _deleted_among(session, results)

    def final(result: InsertResult) -> InsertResult:
        if result.outcome is Outcome.CONFLICT:
            return result._replace(refusal=AssessmentExists(result.id))
        return refused(result.id, AssessmentDeleted(result.id)) if result.id in deleted else result

    return [final(result) for result in results]


def _deleted_among(session: Session, results: Sequence[InsertResult]) -> set[str]:
    """Return the ids of replays of marks that were deleted."""
    repeated = [one.id for one in results if one.outcome is Outcome.REPEATED]
    if not repeated:
        return set()
    is_repeated = in_list(Assessment.id, "ids", session.get_bind().dialect.name)
    query = select(Assessment.id).where(is_repeated, Assessment.deleted_at.is_not(None))
    return set(session.scalars(query, {"ids": repeated}))
