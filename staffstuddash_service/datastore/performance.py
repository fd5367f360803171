"""Performance records: computed from assessments and drafts, and read."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, Unpack

from sqlalchemy import Insert, bindparam, delete, exists, insert, inspect, or_, select
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.columns import Row
from shared_db.pseudonyms import ids_by_pseudonym
from shared_db.queries.pagination import Keyset, Page, PageOptions
from shared_db.repository import Repository
from shared_db.writes.copy_from import bulk_insert
from staffstuddash_service.datastore.memberships import EVERYBODY, Members
from staffstuddash_service.datastore.student_locks import find_student, lock_students
from staffstuddash_service.datastore.upsert import upsert
from staffstuddash_service.domain.drafts import Continuity
from staffstuddash_service.domain.grit import grit_of
from staffstuddash_service.domain.integrity import RevisionStep, integrity_of
from staffstuddash_service.domain.learning import concept_performances, learning_state_of
from staffstuddash_service.domain.performance import Mark, percentage, summarise
from staffstuddash_service.domain.performance_status import NOT_ASSESSED, performance_status_of
from staffstuddash_service.models import (
    Alias,
    AssessmentLog,
    ConceptStanding,
    Deletion,
    Draft,
    PerformanceRecord,
    Student,
    is_restricted,
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
    is_restricted: bool = False


class PerformanceRepository(Repository):
    """Performance records of students."""

    def get(self, student_id: str) -> PerformanceRecord:
        """Return the student's record; without assessments and drafts its figures are None.

        Raises:
            StudentNotFound: no student has that id.
            StudentErased: the student was erased.

        """

        def record(session: Session) -> PerformanceRecord:
            find_student(session, student_id)
            return session.get_one(PerformanceRecord, student_id)

        return self.read(record)

    def search(
        self, *, members: Members = EVERYBODY, **options: Unpack[PageOptions]
    ) -> Page[PerformanceRecord]:
        """Return a page of the records by student, of a class or a person if given."""
        query = select(PerformanceRecord).where(*members.conditions(PerformanceRecord.student_id))
        return self.page(RECORDS_BY_STUDENT, query, _COLUMNS, **options)

    def refresh_due(self, limit: int = 1000) -> int:
        """Recompute records that changed by the passage of time; return their number.

        Safe in several processes at once: each leaves out the students that another has locked.
        """
        now = utc_now()

        def refresh(session: Session) -> int:
            record = PerformanceRecord
            due = select(record.student_id).where(record.due_at <= now).order_by(record.due_at)
            ids = session.scalars(due.limit(limit)).all()
            locked = lock_students(session, ids, skip_locked=True)
            recompute(session, locked, now)
            return len(locked)

        return self.write(refresh)


def insert_empty_records(session: Session, student_ids: Sequence[str], now: datetime) -> None:
    """Insert the records of new students, so that lists of students can join them."""
    if student_ids:
        rows = [_record(student_id, _Work(), now) for student_id in student_ids]
        session.execute(insert(PerformanceRecord), rows)


def insert_record(session: Session, student_id: str, now: datetime) -> bool:
    """Insert the record of a new student; return False if the student was erased or merged."""
    row = _record(student_id, _Work(), now)
    gone = {"tombstones": list(ids_by_pseudonym([student_id])), "former_id": student_id}
    return bool(session.connection().execute(_insert_unless_gone(), {**row, **gone}).rowcount)


@cache
def _insert_unless_gone() -> Insert:
    columns = inspect(PerformanceRecord).local_table.columns
    erased = exists().where(Deletion.pseudonym.in_(bindparam("tombstones", expanding=True)))
    merged = exists().where(Alias.old_id == bindparam("former_id"))
    row = select(*(bindparam(column.key, type_=column.type) for column in columns))
    return insert(PerformanceRecord).from_select(list(columns), row.where(~erased, ~merged))


def insert_records(session: Session, student_ids: Collection[str], now: datetime) -> None:
    """Insert the records of new students whose assessments are stored already."""
    if not student_ids:
        return
    ids = sorted(student_ids)
    works = _works_of(session, ids)
    bulk_insert(session, PerformanceRecord, [_record(id_, works[id_], now) for id_ in ids])
    _upsert_standings(session, ids, works)


def recompute(session: Session, student_ids: Collection[str], now: datetime) -> None:
    """Recompute the records of students that the caller has locked.

    They are computed from all rows, not incremented: the order of concurrent writers is irrelevant.
    """
    ids = sorted(student_ids)
    works = _works_of(session, ids)
    upsert(session, PerformanceRecord, [_record(id_, works[id_], now) for id_ in ids])
    _upsert_standings(session, ids, works)


def recompute_all(session: Session, student_id: str, now: datetime) -> None:
    """Recompute the record of a locked student after a change or deletion of stored rows.

    `recompute` keeps the standings at concepts that no longer have an assessment.
    """
    recompute_each(session, [student_id], now)


def recompute_each(session: Session, student_ids: Collection[str], now: datetime) -> None:
    """Recompute the records of locked students as `recompute_all` does."""
    session.execute(delete(ConceptStanding).where(ConceptStanding.student_id.in_(student_ids)))
    recompute(session, student_ids, now)


def _works_of(session: Session, ids: Sequence[str]) -> dict[str, _Work]:
    works: dict[str, _Work] = defaultdict(_Work)
    _read_marks(session, ids, works)
    _read_drafts(session, ids, works)
    return works


def _upsert_standings(session: Session, ids: Sequence[str], works: Mapping[str, _Work]) -> None:
    standings = [
        {"student_id": id_, **vars(standing), **(_NO_MOVEMENT if works[id_].is_restricted else {})}
        for id_ in ids
        for standing in concept_performances(works[id_].marks)
    ]
    upsert(session, ConceptStanding, standings, _is_other_standing)


def _is_other_standing(stored: Any, new: Any) -> Any:
    # Rows of concepts without a new assessment are not written.
    return or_(
        stored.assessment_count != new.assessment_count,
        stored.learning_state.is_distinct_from(new.learning_state),
    )


def _read_marks(session: Session, ids: Sequence[str], works: dict[str, _Work]) -> None:
    mark = AssessmentLog
    query = (
        select(
            Student.id,
            is_restricted(Student.id),
            mark.subject,
            mark.topic,
            mark.score,
            mark.max_score,
            mark.timestamp,
        )
        .outerjoin(mark, mark.student_id == Student.id)
        .where(Student.id.in_(ids))
    )
    for student_id, restricted, subject, topic, score, max_score, timestamp in session.execute(
        query
    ):
        works[student_id].is_restricted = restricted
        if score is not None:  # neither excused nor deleted
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


_NO_MOVEMENT: Row = {"change_points": None, "learning_state": None}
# Columns of a restricted student: figures of the marks stay, and nothing is judged.
_NO_JUDGEMENT: Row = {
    "trend_per_30_days": None,
    "strengths": [],
    "weaknesses": [],
    "status": None,
    "status_reasons": [f"{NOT_ASSESSED.capitalize()}."],
    "learning_state": None,
    "grit_level": None,
    "setback_count": 0,
    "reasoning_continuity": None,
    "integrity_score": None,
    "integrity_label": None,
    "sudden_jump_flag": None,
    "assignments": [],
    "due_at": None,
}


def _record(student_id: str, work: _Work, now: datetime) -> Row:
    row = _judged_record(student_id, work, now)
    if not work.is_restricted:
        return row
    subjects = [{**subject, "trend_per_30_days": None} for subject in row["subjects"]]
    return {**row, **_NO_JUDGEMENT, "subjects": subjects}


def _judged_record(student_id: str, work: _Work, now: datetime) -> Row:
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
