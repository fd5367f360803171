"""Records and standings of a group of students, kept ones or those of an earlier instant."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from staffstuddash_service.domain.cohort import Standing
from staffstuddash_service.domain.integrity import IntegrityLabel, RevisionStep, integrity_of
from staffstuddash_service.domain.learning import concept_performances
from staffstuddash_service.domain.performance import Mark, percentage, summarise
from staffstuddash_service.domain.performance_status import Status, performance_status_of
from staffstuddash_service.models import (
    AssessmentLog,
    ConceptStanding,
    Draft,
    PerformanceRecord,
)


@dataclass(frozen=True)
class GroupRecord:
    """Figures of one student."""

    status: Status | None
    trend: float | None
    integrity_label: IntegrityLabel | None
    is_jump: bool | None
    last_activity_at: datetime | None


@dataclass(frozen=True)
class Group:
    """Records of a group, and the standings at concepts."""

    records: Sequence[GroupRecord]
    standings: Sequence[Standing]


def present_group(session: Session, ids: Sequence[str]) -> Group:
    """Return the kept records and standings of these students."""
    record, standing = PerformanceRecord, ConceptStanding
    records = session.execute(
        select(
            record.status,
            record.trend_per_30_days,
            record.integrity_label,
            record.sudden_jump_flag,
            record.last_activity_at,
        ).where(record.student_id.in_(ids))
    )
    standings = session.execute(
        select(
            standing.student_id,
            standing.subject,
            standing.concept,
            standing.assessment_count,
            standing.mean_percentage,
            standing.learning_state,
        ).where(standing.student_id.in_(ids))
    )
    return Group([GroupRecord(*row) for row in records], [Standing(*row) for row in standings])


def past_group(session: Session, ids: Sequence[str], at: datetime) -> Group:
    """Return what the marks and drafts up to an instant give, as they are stored now."""
    marks = _marks(session, ids, at)
    steps, draft_times = _drafts(session, ids, at)
    records, standings = [], []
    for id_ in ids:
        performance = summarise(marks[id_])
        integrity = integrity_of(steps[id_])
        times = [*draft_times[id_], *(mark.submitted_at for mark in marks[id_])]
        records.append(
            GroupRecord(
                performance_status_of(performance).status,
                performance.trend_per_30_days,
                integrity.integrity_label,
                integrity.sudden_jump_flag,
                max(times, default=None),
            )
        )
        standings += [
            Standing(
                id_,
                one.subject,
                one.concept,
                one.assessment_count,
                one.mean_percentage,
                one.learning_state,
            )
            for one in concept_performances(marks[id_])
        ]
    return Group(records, standings)


def _marks(session: Session, ids: Sequence[str], at: datetime) -> dict[str, list[Mark]]:
    mark = AssessmentLog
    query = select(
        mark.student_id, mark.subject, mark.topic, mark.score, mark.max_score, mark.timestamp
    ).where(mark.student_id.in_(ids), mark.timestamp <= at)
    found: dict[str, list[Mark]] = defaultdict(list)
    for student_id, subject, topic, score, max_score, timestamp in session.execute(query):
        if score is not None:  # neither excused nor deleted
            found[student_id].append(Mark(subject, percentage(score, max_score), timestamp, topic))
    return found


def _drafts(
    session: Session, ids: Sequence[str], at: datetime
) -> tuple[dict[str, list[RevisionStep]], dict[str, list[datetime]]]:
    draft = Draft
    query = (
        select(
            draft.student_id,
            draft.assignment_id,
            draft.timestamp,
            draft.retained_share,
            draft.sudden_jump_flag,
        )
        .where(draft.student_id.in_(ids), draft.timestamp <= at)
        .order_by(draft.timestamp, draft.version)
    )
    steps: dict[str, list[RevisionStep]] = defaultdict(list)
    times: dict[str, list[datetime]] = defaultdict(list)
    for student_id, assignment_id, timestamp, retained, is_jump in session.execute(query):
        times[student_id].append(timestamp)
        if retained is not None:
            steps[student_id].append(RevisionStep(assignment_id, retained, is_jump))
    return steps, times
