"""Cohort of a group of students: of a course, or of an earlier instant."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import distinct, func, or_, select
from sqlalchemy.orm import Session

from shared_db.queries.small_groups import require_size
from staffstuddash_service.datastore.dashboards.cohort_figures import (
    Cohort,
    HeatCell,
    TutoringPair,
)
from staffstuddash_service.datastore.dashboards.cohort_query import (
    HIGH_LEVELS,
    PAIRS,
    PAIRS_PER_CONCEPT,
)
from staffstuddash_service.datastore.dashboards.group_records import (
    Group,
    past_group,
    present_group,
)
from staffstuddash_service.datastore.dashboards.last_actions import was_done_within
from staffstuddash_service.datastore.dashboards.risk import in_course, risk_source
from staffstuddash_service.domain.cohort import (
    WeekMark,
    change,
    mean_or_none,
    pairs_of,
    start_of_day,
    weeks_of,
)
from staffstuddash_service.domain.integrity import IntegrityLabel
from staffstuddash_service.domain.performance_status import Status
from staffstuddash_service.errors import GroupTooLarge
from staffstuddash_service.models import (
    ActionLog,
    AssessmentLog,
    ConceptModule,
    Student,
    StudentRestriction,
)
from staffstuddash_service.models.published import published_course_risks

MOST_STUDENTS = 2000
_ACTIVE_WITHIN, _WEEK = timedelta(days=14), timedelta(days=7)


def group_cohort(
    session: Session,
    course: str | None,
    as_of: datetime | None,
    now: datetime,
    zone: ZoneInfo | None,
    *,
    is_memory: bool,
) -> Cohort:
    """Return the figures of the students of a course, or of all, as of an instant or now.

    Raises:
        GroupTooLarge: an earlier instant of more than 2,000 students.
        GroupTooSmall: a person with limited sight sees fewer than 5 of them.

    """
    at = as_of or now
    ids = _members(session, course, at, is_memory=is_memory)
    require_size(len(ids))
    if as_of is not None and len(ids) > MOST_STUDENTS:
        raise GroupTooLarge(len(ids), MOST_STUDENTS)
    group = present_group(session, ids) if as_of is None else past_group(session, ids, at)
    weeks = weeks_of(_week_marks(session, ids, at))
    trends = [record.trend for record in group.records if record.trend is not None]
    return Cohort(
        student_count=len(ids),
        active_count=_count(
            record.last_activity_at is not None and record.last_activity_at >= at - _ACTIVE_WITHIN
            for record in group.records
        ),
        flagged_count=_count(
            record.integrity_label == IntegrityLabel.NEEDS_REVIEW or record.is_jump is True
            for record in group.records
        ),
        review_needed_count=_count(one.status == Status.REVIEW_NEEDED for one in group.records),
        high_risk_count=_count(one.status == Status.HIGH_RISK for one in group.records),
        high_dropout_risk_count=(
            None
            if is_memory or as_of is not None or course is None
            else _high_risks(session, ids, course)
        ),
        intervened_today_count=_intervened(session, ids, start_of_day(at, zone), at),
        mean_progress=weeks.mean,
        mean_progress_change=change(weeks.mean, weeks.mean_before),
        learning_velocity=mean_or_none(trends),
        learning_velocity_student_count=len(trends),
        material_hints=weeks.hints,
        struggle_heat_map=_heat(session, group),
        tutoring_pairs=[
            TutoringPair(*pair) for pair in pairs_of(group.standings, PAIRS_PER_CONCEPT)[:PAIRS]
        ],
        as_of=at,
    )


def _members(
    session: Session, course: str | None, at: datetime, *, is_memory: bool
) -> Sequence[str]:
    """Return the ids of the assessed students of a course, or of all who had rows by then."""
    restricted = select(StudentRestriction.student_id)
    query = select(Student.id).where(Student.id.not_in(restricted)).order_by(Student.id)
    if course is None:
        marked = select(AssessmentLog.student_id).where(AssessmentLog.timestamp <= at)
        query = query.where(or_(Student.created_at <= at, Student.id.in_(marked)))
    else:
        risks = None if is_memory else risk_source(course)
        query = query.where(in_course(Student.id, course, risks, at.date()))
    return session.scalars(query).all()


def _week_marks(session: Session, ids: Sequence[str], at: datetime) -> list[WeekMark]:
    mark = AssessmentLog
    query = select(mark.subject, mark.student_id, mark.score, mark.max_score, mark.timestamp).where(
        mark.student_id.in_(ids),
        mark.timestamp > at - 2 * _WEEK,
        mark.timestamp <= at,
    )
    return [
        WeekMark(subject, student_id, 100 * score / max_score, is_new=timestamp > at - _WEEK)
        for subject, student_id, score, max_score, timestamp in session.execute(query)
        if score is not None
    ]


def _intervened(session: Session, ids: Sequence[str], today: datetime, at: datetime) -> int:
    query = select(func.count(distinct(ActionLog.student_id)))
    return (
        session.scalar(query.where(ActionLog.student_id.in_(ids), was_done_within(today, at))) or 0
    )


def _high_risks(session: Session, ids: Sequence[str], course: str) -> int:
    risk = published_course_risks.c
    query = select(func.count()).where(
        risk.course == course, risk.student_id.in_(ids), risk.risk_level.in_(HIGH_LEVELS)
    )
    return session.scalar(query) or 0


def _heat(session: Session, group: Group) -> list[HeatCell]:
    module = ConceptModule
    difficulties = {
        (subject, concept): difficulty
        for subject, concept, difficulty in session.execute(
            select(module.subject, module.concept, module.difficulty)
        )
    }
    counts: dict[tuple[str, str, Any], int] = {}
    for one in group.standings:
        key = (one.subject, one.concept, one.learning_state)
        counts[key] = counts.get(key, 0) + 1
    cells = [
        HeatCell(subject, concept, difficulties.get((subject, concept)), state, count)
        for (subject, concept, state), count in counts.items()
    ]
    return sorted(cells, key=lambda c: (c.subject, c.concept, c.learning_state or ""))


def _count(conditions: Any) -> int:
    return sum(1 for condition in conditions if condition)
