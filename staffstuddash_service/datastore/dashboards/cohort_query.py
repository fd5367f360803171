"""Query of the cohort dashboard: one row of counts, joined with the rows of each section."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CTE,
    Float,
    Integer,
    ScalarSelect,
    Select,
    String,
    and_,
    cast,
    distinct,
    func,
    literal,
    null,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.types import TypeEngine

from staffstuddash_service.domain.cohort import FALL_POINTS
from staffstuddash_service.domain.integrity import IntegrityLabel
from staffstuddash_service.domain.performance_status import Status
from staffstuddash_service.domain.risk import RiskLevel
from staffstuddash_service.models import (
    IS_LEARNER,
    IS_TUTOR,
    ActionLog,
    AssessmentLog,
    ConceptModule,
    ConceptStanding,
    PerformanceRecord,
    is_restricted,
)
from staffstuddash_service.models.published import published_risk

PAIRS = 50
PAIRS_PER_CONCEPT = 3
_HIGH_LEVELS = (RiskLevel.HIGH, RiskLevel.CRITICAL)

AnyQuery = Select[*tuple[Any, ...]]


class Section(StrEnum):
    """Section of the dashboard that a row belongs to."""

    HINT = "hint"
    HEAT = "heat"
    PAIR = "pair"


_COLUMNS: dict[str, type[TypeEngine[Any]]] = {
    "subject": String,
    "concept": String,
    "state": String,
    "first_count": Integer,
    "second_count": Integer,
    "tutor_id": String,
    "tutor_mean": Float,
    "learner_id": String,
    "learner_mean": Float,
}


def cohort_query(
    *,
    active_since: datetime,
    today: datetime,
    two_weeks_ago: datetime,
    week_ago: datetime,
    now: datetime,
    with_risk: bool,
) -> AnyQuery:
    """Return the query; every row has the counts, and the columns of a section if it has rows."""
    weeks = _weeks(two_weeks_ago, week_ago, now)
    counts = _counts(weeks, active_since, today, now, with_risk=with_risk).cte("counts")
    sections = union_all(_hints(weeks), _heat(), _pairs()).subquery("sections")
    return select(counts, sections).select_from(counts.outerjoin(sections, true()))


def _weeks(two_weeks_ago: datetime, week_ago: datetime, now: datetime) -> CTE:
    mark = AssessmentLog
    percentage = 100 * mark.score / mark.max_score
    is_new = mark.timestamp > week_ago
    return (
        select(
            mark.subject,
            mark.student_id,
            func.sum(percentage).filter(is_new).label("total"),
            func.count().filter(is_new).label("marks"),
            func.sum(percentage).filter(~is_new).label("total_before"),
            func.count().filter(~is_new).label("marks_before"),
        )
        .where(
            mark.timestamp > two_weeks_ago,
            mark.timestamp <= now,
            mark.score.is_not(None),
            ~is_restricted(mark.student_id),
        )
        .group_by(mark.subject, mark.student_id)
        .cte("weeks")
    )


def _counts(
    weeks: CTE, active_since: datetime, today: datetime, now: datetime, *, with_risk: bool
) -> AnyQuery:
    record = PerformanceRecord
    is_flagged = or_(
        record.integrity_label == IntegrityLabel.NEEDS_REVIEW, record.sudden_jump_flag.is_(True)
    )
    action = ActionLog
    is_assessed = ~is_restricted(record.student_id)
    intervened = select(func.count(distinct(action.student_id))).where(
        action.is_intervention, action.timestamp >= today, action.timestamp <= now
    )
    return (
        select(
            func.count().label("student_count"),
            func.count().filter(record.last_activity_at >= active_since).label("active_count"),
            func.count().filter(is_flagged).label("flagged_count"),
            func.count().filter(record.status == Status.REVIEW_NEEDED).label("review_needed_count"),
            func.count().filter(record.status == Status.HIGH_RISK).label("high_risk_count"),
            func.avg(record.trend_per_30_days).label("velocity"),
            func.count(record.trend_per_30_days).label("velocity_count"),
            intervened.scalar_subquery().label("intervened_today_count"),
            _high_dropout_risk(with_risk=with_risk).label("high_dropout_risk_count"),
            _mean(weeks.c.total, weeks.c.marks).label("progress"),
            _mean(weeks.c.total_before, weeks.c.marks_before).label("progress_before"),
        )
        .select_from(record)
        .where(is_assessed)
    )


def _high_dropout_risk(*, with_risk: bool) -> Any:
    if not with_risk:
        return cast(null(), Integer)
    risk, student_id = published_risk.c, PerformanceRecord.student_id
    # The dropout service may have students that are not recorded here.
    query = select(func.count()).join_from(
        published_risk, PerformanceRecord, risk.student_id == student_id
    )
    return query.where(risk.risk_level.in_(_HIGH_LEVELS)).scalar_subquery()


def _mean(total: Any, marks: Any) -> ScalarSelect[Any]:
    return select(func.sum(total) / func.nullif(func.sum(marks), 0)).scalar_subquery()


def _hints(weeks: CTE) -> AnyQuery:
    week = weeks.c
    fell = week.total / week.marks <= week.total_before / week.marks_before - FALL_POINTS
    query = select(
        *_section(
            Section.HINT,
            subject=week.subject,
            first_count=func.count(),
            second_count=func.count().filter(fell),
        )
    )
    return query.where(week.marks > 0, week.marks_before > 0).group_by(week.subject)


def _heat() -> AnyQuery:
    standing, module = ConceptStanding, ConceptModule
    counted = (
        select(
            standing.subject,
            standing.concept,
            standing.learning_state,
            func.count().label("students"),
        )
        .where(~is_restricted(standing.student_id))
        .group_by(standing.subject, standing.concept, standing.learning_state)
        .subquery("heat")
    )
    is_known = and_(module.subject == counted.c.subject, module.concept == counted.c.concept)
    return select(
        *_section(
            Section.HEAT,
            subject=counted.c.subject,
            concept=counted.c.concept,
            state=cast(counted.c.learning_state, String),
            first_count=counted.c.students,
            second_count=module.difficulty,
        )
    ).select_from(counted.outerjoin(module, is_known))


def _pairs() -> AnyQuery:
    mean = ConceptStanding.mean_percentage
    tutors, learners = _ranked(IS_TUTOR, mean.desc()), _ranked(IS_LEARNER, mean)
    tutor, learner = tutors.c, learners.c
    is_same = and_(
        tutor.subject == learner.subject,
        tutor.concept == learner.concept,
        tutor.place == learner.place,
    )
    best = (
        select(
            *_section(
                Section.PAIR,
                subject=tutor.subject,
                concept=tutor.concept,
                tutor_id=tutor.student_id,
                tutor_mean=tutor.mean_percentage,
                learner_id=learner.student_id,
                learner_mean=learner.mean_percentage,
            )
        )
        .select_from(tutors.join(learners, is_same))
        .where(tutor.place <= PAIRS_PER_CONCEPT, learner.place <= PAIRS_PER_CONCEPT)
        .order_by(learner.mean_percentage, learner.subject, learner.concept, learner.student_id)
        .limit(PAIRS)
        .subquery("best")
    )
    return select(best)


def _ranked(condition: Any, order: Any) -> Any:
    standing = ConceptStanding
    place = func.row_number().over(
        partition_by=(standing.subject, standing.concept), order_by=(order, standing.student_id)
    )
    return (
        select(
            standing.subject,
            standing.concept,
            standing.student_id,
            standing.mean_percentage,
            place.label("place"),
        )
        .where(condition)
        .subquery()
    )


def _section(section: Section, **values: Any) -> list[Any]:
    kinds = _COLUMNS.items()
    given = [values.get(name, cast(null(), kind)).label(name) for name, kind in kinds]
    return [literal(section.value).label("section"), *given]
