"""Assessments: each updates the student's performance record in the same transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Unpack

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.columns import Row
from shared_db.ids import new_id
from shared_db.queries.dialects import in_list
from shared_db.queries.pagination import Keyset, Page, PageOptions
from shared_db.repository import Repository
from shared_db.results import InsertResult, Outcome, refused
from shared_db.spool.spoolable import SpoolableType
from shared_db.writes.idempotent_insert import (
    content_digest,
    insert_idempotent,
    insert_many_idempotent,
)
from staffstuddash_service.datastore.corrections import correct, remove
from staffstuddash_service.datastore.performance import recompute
from staffstuddash_service.datastore.student_locks import (
    find_student,
    lock_owner,
    lock_owners,
    refusals_of_missing,
)
from staffstuddash_service.domain.scores import stored_score
from staffstuddash_service.errors import AssessmentDeleted, AssessmentExists, AssessmentNotFound
from staffstuddash_service.models import AssessmentLog

ASSESSMENTS_BY_TIME = Keyset(
    "assessments", (AssessmentLog.timestamp, AssessmentLog.id), is_descending=True
)

ASSESSMENT_FIELDS = (
    "type",
    "subject",
    "topic",
    "score",
    "max_score",
    "extra_credit",
    "excused",
    "timestamp",
)
_COLUMNS = {name: getattr(AssessmentLog, name) for name in ASSESSMENT_FIELDS}


@dataclass(frozen=True)
class AssessmentToStore:
    """New assessment; without an id one is made, without a timestamp it is now.

    score: as `stored_score` of the domain takes it; None if excused.
    """

    student_id: str
    type: str
    subject: str
    score: float | None
    max_score: float = 100
    topic: str | None = None
    timestamp: datetime | None = None
    id: str | None = None
    accepted_at: datetime | None = None
    extra_credit: bool = False
    excused: bool = False

    def __post_init__(self) -> None:
        """Refuse a score out of range."""
        self._stored_score()

    def _stored_score(self) -> float | None:
        return stored_score(
            self.score, self.max_score, extra_credit=self.extra_credit, excused=self.excused
        )

    def values(self, now: datetime) -> Row:
        """Return the row to insert."""
        sent = dict(vars(self))
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
            "score": self._stored_score(),
            "extra_credit": self.extra_credit,
            "excused": self.excused,
            "timestamp": self.timestamp or at,
            "id": id_,
            "created_at": at,
            "digest": content_digest(sent),
        }


def student_of(new: AssessmentToStore) -> str:
    """Return the id under which the student of an assessment is sent."""
    return new.student_id


ASSESSMENT = SpoolableType(
    "assessment",
    AssessmentToStore,
    AssessmentLog,
    AssessmentToStore.values,
    AssessmentExists,
    replay=lambda manager, assessments: manager.assessments.add_many(assessments),
    subject=student_of,
)


class AssessmentRepository(Repository):
    """Assessments."""

    def add(
        self,
        student_id: str,
        type: str,  # noqa: A002 - the field's word, and the design's
        subject: str,
        score: float | None,
        *,
        max_score: float = 100,
        topic: str | None = None,
        timestamp: datetime | None = None,
        assessment_id: str | None = None,
        extra_credit: bool = False,
        excused: bool = False,
    ) -> AssessmentLog:
        """Insert an assessment and recompute the student's performance record.

        score: 0 to max_score, with extra credit to twice of it; None if excused. timestamp: of
        the submission, by default now.

        Raises:
            StudentNotFound: no student has that id.
            StudentErased: the student was erased.
            AssessmentExists: the assessment's id is stored with other content.
            AssessmentDeleted: the assessment of that id was deleted.
            ValueError: the score is out of range, or missing, or given though excused.

        """
        new = AssessmentToStore(
            student_id,
            type,
            subject,
            score,
            max_score,
            topic,
            timestamp,
            assessment_id,
            extra_credit=extra_credit,
            excused=excused,
        )
        return self.insert(ASSESSMENT, new, _insert, of=[student_id])

    def add_many(self, assessments: Sequence[AssessmentToStore]) -> list[InsertResult]:
        """Insert assessments; return the result of each, in order.

        Assessments of missing or erased students are refused, and deleted assessments.
        """
        return self.insert_many(ASSESSMENT, assessments, insert_many, of=student_of)

    def search_by_student(
        self, student_id: str, **options: Unpack[PageOptions]
    ) -> Page[AssessmentLog]:
        """Return the student's assessments that were not deleted, the latest first.

        Raises:
            StudentNotFound: no student has that id.
            StudentErased: the student was erased.
            ServiceError: as `Repository.page`.

        """
        log = AssessmentLog
        query = select(log).where(log.student_id == student_id, log.deleted_at.is_(None))
        return self.page(
            ASSESSMENTS_BY_TIME,
            query,
            _COLUMNS,
            require=lambda session: find_student(session, student_id),
            **options,
        )

    def update(self, assessment_id: str, changes: Row, *, actor: str, reason: str) -> AssessmentLog:
        """Correct an assessment, log the reason, and recompute the student's record.

        changes: new values of `corrections.CORRECTABLE`. Equal values are no change and are not
        logged. Excusing an assessment removes its score.

        Raises:
            AssessmentNotFound: no assessment has that id.
            AssessmentDeleted: the assessment was deleted.
            StudentErased: the student was erased meanwhile.
            ScoreOutOfRange: the score does not fit the other fields.

        """
        return self.write(
            lambda session: correct(session, assessment_id, changes, actor, reason),
            of=self._students_of(assessment_id),
        )

    def delete(self, assessment_id: str, *, actor: str, reason: str) -> tuple[AssessmentLog, bool]:
        """Delete an assessment, log the reason, and recompute the student's record.

        Returns the row without its score, and True for a replay.

        Raises:
            AssessmentNotFound: no assessment has that id.
            StudentErased: the student was erased meanwhile.

        """
        return self.write(
            lambda session: remove(session, assessment_id, actor, reason),
            of=self._students_of(assessment_id),
        )

    def _students_of(self, assessment_id: str) -> list[str] | None:
        query = select(AssessmentLog.student_id).where(AssessmentLog.id == assessment_id)
        return self.students_of(query, AssessmentNotFound(assessment_id))


def _insert(session: Session, new: AssessmentToStore) -> AssessmentLog:
    now = utc_now()
    student = lock_owner(session, new.student_id)
    # The digest stays that of the sent id: a repeated request has it, before and after a merge.
    row = {**new.values(now), "student_id": student.id}
    stored = insert_idempotent(session, AssessmentLog, row, AssessmentExists)
    if stored.deleted_at is not None:
        raise AssessmentDeleted(stored.id)
    if not stored.is_replay:
        recompute(session, [student.id], now)
    return stored


def insert_many(session: Session, assessments: Sequence[AssessmentToStore]) -> list[InsertResult]:
    """Insert assessments and recompute the records; return the result of each, in order."""
    now = utc_now()
    rows = [assessment.values(now) for assessment in assessments]
    results = insert_rows(session, rows)
    if students := students_of_stored(rows, results):
        recompute(session, students, now)
    return results


def insert_rows(
    session: Session, rows: Sequence[Row], *, look_first: bool = False
) -> list[InsertResult]:
    """Lock the students and insert their assessments; return the result of each, in order.

    The caller brings the performance records up to date.
    look_first: as in `insert_many_idempotent`.
    """
    students = {row["student_id"] for row in rows}
    owners = lock_owners(session, students)
    missing = students - owners.keys()
    refusals = refusals_of_missing(session, missing) if missing else {}
    accepted = [row for row in rows if row["student_id"] not in missing]
    for row in accepted:
        row["student_id"] = owners[row["student_id"]]
    inserted = insert_many_idempotent(session, AssessmentLog, accepted, look_first=look_first)
    results = iter(_without_deleted(session, inserted))
    return [
        refused(row["id"], refusals[row["student_id"]])
        if row["student_id"] in missing
        else next(results)
        for row in rows
    ]


def _without_deleted(session: Session, results: Sequence[InsertResult]) -> list[InsertResult]:
    """Refuse replays of assessments that were deleted."""
    repeated = [one.id for one in results if one.outcome is Outcome.REPEATED]
    if not repeated:
        return list(results)
    is_repeated = in_list(AssessmentLog.id, "ids", session.get_bind().dialect.name)
    query = select(AssessmentLog.id).where(is_repeated, AssessmentLog.deleted_at.is_not(None))
    deleted = set(session.scalars(query, {"ids": repeated}))
    return [
        refused(one.id, AssessmentDeleted(one.id)) if one.id in deleted else one for one in results
    ]


def students_of_stored(rows: Sequence[Row], results: Sequence[InsertResult]) -> set[str]:
    """Return the students of the assessments that were stored now."""
    pairs = zip(rows, results, strict=True)
    return {row["student_id"] for row, result in pairs if result.is_stored}
