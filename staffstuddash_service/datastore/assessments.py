"""Assessments: each brings the student's record up to it in the same transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.columns import row_of
from shared_db.connection.database import Database
from shared_db.ids import new_id
from shared_db.queries.filters import Filter, conditions
from shared_db.queries.pagination import Keyset, Page
from shared_db.repository import Repository
from shared_db.spool.writes import Returned, SpoolableType, insert_many_or_spool, insert_or_spool
from shared_db.writes.idempotent_insert import (
    content_digest,
    insert_idempotent,
    insert_many_idempotent,
)
from staffstuddash_service.datastore.performance import recompute
from staffstuddash_service.datastore.results import Result, pending_results
from staffstuddash_service.datastore.student_locks import find_student, lock_students, missing
from staffstuddash_service.domain.performance import percentage
from staffstuddash_service.errors import AssessmentExists
from staffstuddash_service.models import AssessmentLog

ASSESSMENTS_BY_TIME = Keyset(
    "assessments", (AssessmentLog.timestamp, AssessmentLog.id), is_descending=True
)

ASSESSMENT_FIELDS = ("type", "subject", "topic", "score", "max_score", "timestamp")
_COLUMNS = {name: getattr(AssessmentLog, name) for name in ASSESSMENT_FIELDS}


@dataclass(frozen=True)
class AssessmentToStore:
    """An assessment before it is stored; without an id one is made, without a time it is now.

    score: 0 to max_score, which is above 0.
    """

    student_id: str
    type: str
    subject: str
    score: float
    max_score: float = 100
    topic: str | None = None
    timestamp: datetime | None = None
    id: str | None = None
    accepted_at: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse a score out of range."""
        percentage(self.score, self.max_score)

    def row(self, now: datetime) -> AssessmentLog:
        """Return the row to store."""
        sent = dict(vars(self))
        sent |= {"score": float(self.score), "max_score": float(self.max_score)}
        id_ = sent.pop("id") or new_id()
        at = sent.pop("accepted_at") or now
        filled = {**sent, "timestamp": self.timestamp or at}
        return row_of(AssessmentLog, **filled, id=id_, created_at=at, digest=content_digest(sent))


def _give(manager: "Assessments", assessments: Sequence[AssessmentToStore]) -> list[Returned]:
    return [result.returned for result in manager.add_assessments(assessments)]


ASSESSMENT = SpoolableType(
    "assessment",
    AssessmentToStore,
    AssessmentToStore.row,
    AssessmentExists,
    _give,
    subject=lambda new: new.student_id,
)


class Assessments(Repository):
    """Marks as they come in."""

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
            StudentGone: the student was erased.
            AssessmentExists: the assessment's id is stored with other content.
            ValueError: the score is not between 0 and max_score.

        """
        new = AssessmentToStore(
            student_id, type, subject, score, max_score, topic, timestamp, assessment_id
        )
        return insert_or_spool(self.database, ASSESSMENT, new, partial(_store_one, self.database))

    def add_assessments(self, assessments: Sequence[AssessmentToStore]) -> list[Result]:
        """Store many in one unit of work; return what became of each, in order.

        Those of students who are not there, or were erased, are refused.
        """
        store = partial(_store_many, self.database)
        return insert_many_or_spool(self.database, ASSESSMENT, assessments, store, pending_results)

    def get_student_assessments(
        self,
        student_id: str,
        *,
        filters: Sequence[Filter] = (),
        after: str | None = None,
        limit: int = 100,
    ) -> Page[AssessmentLog]:
        """Return the student's assessments, the latest first.

        Raises:
            StudentNotFound: no student has that id.
            StudentGone: the student was erased.
            MalformedCursor: the cursor is not one of this list.
            QueryTooExpensive: the conditions chosen take too long.

        """
        query = select(AssessmentLog).where(AssessmentLog.student_id == student_id)
        with self.database.reading_filtered() as session:
            find_student(session, student_id)
            query = query.where(*conditions(session, filters, _COLUMNS))
            return ASSESSMENTS_BY_TIME.page(session, query, after=after, limit=limit)


def _store_one(database: Database, new: AssessmentToStore) -> AssessmentLog:
    now = utc_now()
    with database.unit_of_work() as session:
        find_student(session, new.student_id, lock=True)
        stored = insert_idempotent(session, new.row(now), AssessmentExists)
        if not stored.is_replay:
            recompute(session, [new.student_id], now)
        return stored


def _store_many(database: Database, assessments: Sequence[AssessmentToStore]) -> list[Result]:
    now = utc_now()
    rows = [assessment.row(now) for assessment in assessments]
    with database.unit_of_work() as session:
        results = store_rows(session, rows)
        if touched := students_with_new(rows, results):
            recompute(session, touched, now)
        return results


def store_rows(
    session: Session, rows: Sequence[AssessmentLog], *, look_first: bool = False
) -> list[Result]:
    """Store marks, not yet in the records; return what became of each, in order.

    look_first: as `shared_db.writes.idempotent_insert.store_named` takes it.
    """
    wanted = {row.student_id for row in rows}
    there = lock_students(session, wanted)
    refusals = missing(session, wanted - there) if wanted - there else {}
    kept = [row for row in rows if row.student_id in there]
    stored = insert_many_idempotent(session, kept, look_first=look_first)
    outcomes = {id(row): outcome for row, outcome in zip(kept, stored, strict=True)}
    return [
        Result(row.id, outcomes[index], None)
        if (index := id(row)) in outcomes
        else Result(row.id, None, refusals[row.student_id])
        for row in rows
    ]


def students_with_new(rows: Sequence[AssessmentLog], results: Sequence[Result]) -> set[str]:
    """Return the students of whom one of these marks was stored."""
    pairs = zip(rows, results, strict=True)
    return {row.student_id for row, result in pairs if result.is_stored}
