"""Performance records: computed anew from the rows, and read."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import insert, or_, select
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.columns import row_of
from shared_db.queries.filters import Filter, conditions
from shared_db.queries.pagination import Keyset, Page
from shared_db.repository import Repository
from shared_db.writes.copy_from import bulk_insert
from staffstuddash_service.datastore.student_locks import find_student, lock_students
from staffstuddash_service.datastore.upsert import upsert
from staffstuddash_service.domain.drafts import Continuity
from staffstuddash_service.domain.grit import grit_of
from staffstuddash_service.domain.integrity import RevisionStep, integrity_of
from staffstuddash_service.domain.learning import (
    concept_performances,
    learning_state_of,
)
from staffstuddash_service.domain.performance import Mark, percentage, summarise
from staffstuddash_service.domain.performance_status import performance_status_of
from staffstuddash_service.models import (
    AssessmentLog,
    ConceptStanding,
    Draft,
    PerformanceRecord,
)

RECORDS_BY_STUDENT = Keyset("performance-records", (PerformanceRecord.student_id,))
RECORD_FIELDS = (
    "status",
    "learning_state",
    "integrity_label",
    "sudden_jump_flag",
    "mean_percentage",
    "trend_per_30_days",
    "assessment_count",
    "grit_level",
    "last_activity_at",
    "updated_at",
)
_COLUMNS = {name: getattr(PerformanceRecord, name) for name in RECORD_FIELDS}


@dataclass
class _Work:
    marks: list[Mark] = field(default_factory=list)
    steps: list[RevisionStep] = field(default_factory=list)
    draft_times: list[datetime] = field(default_factory=list)
    continuity: Continuity | None = None


class Performances(Repository):
    """What students' marks and drafts add up to."""

    def get_performance_record(self, student_id: str) -> PerformanceRecord:
        """Return what the student's marks and drafts add up to; nothing claimed without them.

        Raises:
            StudentNotFound: no student has that id.
            StudentGone: the student was erased.

        """
        with self.database.reading() as session:
            find_student(session, student_id)
            return session.get_one(PerformanceRecord, student_id)

    def get_performance_records(
        self,
        *,
        filters: Sequence[Filter] = (),
        after: str | None = None,
        limit: int = 100,
    ) -> Page[PerformanceRecord]:
        """Return records by student.

        Raises:
            MalformedCursor: the cursor is not one of this list.
            QueryTooExpensive: the conditions chosen take too long.

        """
        with self.database.reading_filtered() as session:
            query = select(PerformanceRecord).where(*conditions(session, filters, _COLUMNS))
            return RECORDS_BY_STUDENT.page(session, query, after=after, limit=limit)

    def refresh_due_records(self, limit: int = 1000) -> int:
        """Compute records again for which time alone changed something; return how many.

        Safe in several processes at once: what one is busy with, the others leave out.
        """
        now = utc_now()
        record = PerformanceRecord
        due = select(record.student_id).where(record.due_at <= now).order_by(record.due_at)
        with self.database.unit_of_work() as session:
            ids = session.scalars(due.limit(limit)).all()
            locked = lock_students(session, ids, skip_locked=True)
            recompute(session, locked, now)
            return len(locked)


def add_empty_records(session: Session, student_ids: Sequence[str], now: datetime) -> None:
    """Give new students their records, so that every list of students can join them."""
    if student_ids:
        rows = [_record(student_id, _Work(), now) for student_id in student_ids]
        session.execute(insert(PerformanceRecord), rows)


def add_records(session: Session, student_ids: Collection[str], now: datetime) -> None:
    """Give new students, who came with marks, the records that these come to."""
    if not student_ids:
        return
    ids = sorted(student_ids)
    works = _works_of(session, ids)
    records = [row_of(PerformanceRecord, **_record(id_, works[id_], now)) for id_ in ids]
    bulk_insert(session, records)
    _keep_standings(session, ids, works)


def recompute(session: Session, student_ids: Collection[str], now: datetime) -> None:
    """Bring the records of students, whom the caller has locked, up to their rows.

    From the rows, not by adding up: right whatever order parallel writers come in.
    """
    ids = sorted(student_ids)
    works = _works_of(session, ids)
    upsert(session, PerformanceRecord, [_record(id_, works[id_], now) for id_ in ids])
    _keep_standings(session, ids, works)


def _works_of(session: Session, ids: Sequence[str]) -> dict[str, _Work]:
    works: dict[str, _Work] = defaultdict(_Work)
    _read_marks(session, ids, works)
    _read_drafts(session, ids, works)
    return works


def _keep_standings(session: Session, ids: Sequence[str], works: Mapping[str, _Work]) -> None:
    standings = [
        {"student_id": id_, **vars(standing)}
        for id_ in ids
        for standing in concept_performances(works[id_].marks)
    ]
    upsert(session, ConceptStanding, standings, _is_other_standing)


def _is_other_standing(stored: Any, new: Any) -> Any:
    # Concepts without a new mark stay as they are, so their rows need not be written.
    return or_(
        stored.assessment_count != new.assessment_count,
        stored.learning_state.is_distinct_from(new.learning_state),
    )


def _read_marks(session: Session, ids: Sequence[str], works: dict[str, _Work]) -> None:
    mark = AssessmentLog
    query = select(
        mark.student_id, mark.subject, mark.topic, mark.score, mark.max_score, mark.timestamp
    ).where(mark.student_id.in_(ids))
    for student_id, subject, topic, score, max_score, timestamp in session.execute(query):
        known = Mark(subject, percentage(score, max_score), timestamp, topic)
        works[student_id].marks.append(known)


def _read_drafts(session: Session, ids: Sequence[str], works: dict[str, _Work]) -> None:
    query = (
        select(
            Draft.student_id,
            Draft.assignment_id,
            Draft.timestamp,
            Draft.retained_share,
            Draft.sudden_jump_flag,
            Draft.reasoning_continuity,
        )
        .where(Draft.student_id.in_(ids))
        .order_by(Draft.timestamp, Draft.version)
    )
    for student_id, assignment_id, timestamp, retained, is_jump, continuity in session.execute(
        query
    ):
        work = works[student_id]
        work.draft_times.append(timestamp)
        if retained is not None:
            work.steps.append(RevisionStep(assignment_id, retained, is_jump))
            work.continuity = continuity


def _record(student_id: str, work: _Work, now: datetime) -> dict[str, Any]:
    performance = summarise(work.marks)
    standing = performance_status_of(performance)
    grit = grit_of(work.marks, now)
    integrity = integrity_of(work.steps)
    last_mark = max((mark.submitted_at for mark in work.marks), default=None)
    last_draft = max(work.draft_times, default=None)
    return {
        "student_id": student_id,
        "mean_percentage": performance.mean_percentage,
        "trend_per_30_days": performance.trend_per_30_days,
        "assessment_count": performance.assessment_count,
        "last_submitted_at": last_mark,
        "subjects": [
            {**vars(s), "last_submitted_at": s.last_submitted_at.isoformat()}
            for s in performance.subjects
        ],
        "strengths": list(standing.strengths),
        "weaknesses": list(standing.weaknesses),
        "status": standing.status,
        "status_reasons": list(standing.reasons),
        "learning_state": learning_state_of(work.marks),
        "grit_level": grit.level,
        "setback_count": grit.setback_count,
        "draft_count": len(work.draft_times),
        "last_draft_at": last_draft,
        "reasoning_continuity": work.continuity,
        "integrity_score": integrity.integrity_score,
        "integrity_label": integrity.integrity_label,
        "sudden_jump_flag": integrity.sudden_jump_flag,
        "assignments": [vars(assignment) for assignment in integrity.assignments],
        "last_activity_at": max(filter(None, (last_mark, last_draft)), default=None),
        "due_at": grit.settles_at,
        "updated_at": now,
    }
