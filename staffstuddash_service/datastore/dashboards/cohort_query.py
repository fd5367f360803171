"""Query of the cohort dashboard: one row of counts, joined with the rows of each section."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Float,
    Integer,
    ScalarSelect,
    Select,
    String,
    and_,
    case,
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
from sqlalchemy.orm import aliased
from sqlalchemy.types import TypeEngine

from staffstuddash_service.datastore.dashboards.last_actions import was_done_within
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
    StudentRestriction,
)
from staffstuddash_service.models.published import published_risk

PAIRS = 50
PAIRS_PER_CONCEPT = 3
HIGH_LEVELS = (RiskLevel.HIGH, RiskLevel.CRITICAL)

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
    states = _states()
    sections = union_all(_hints(weeks), _heat(states), _pairs(states)).subquery("sections")
    return select(counts, sections).select_from(counts.outerjoin(sections, true()))


def _is_assessed(student_id: Any) -> ColumnElement[bool]:
    """Return the condition as a set of ids: the planner would look at the restrictions for each."""
    unassessed: ColumnElement[bool] = student_id.not_in(select(StudentRestriction.student_id))
    return unassessed


def _weeks(two_weeks_ago: datetime, week_ago: datetime, now: datetime) -> CTE:
    """Return sums and numbers of the percentages of both weeks by subject.

    marked_count: students with marks in both weeks; fallen_count: those whose mean fell.
    """
    week = _students_weeks(two_weeks_ago, week_ago, now).subquery("weeks").c
    is_marked = and_(week.marks > 0, week.marks_before > 0)
    fell = week.total / week.marks <= week.total_before / week.marks_before - FALL_POINTS
    return (
        select(
            week.subject,
            func.sum(week.total).label("total"),
            func.sum(week.marks).label("marks"),
            func.sum(week.total_before).label("total_before"),
            func.sum(week.marks_before).label("marks_before"),
            func.count().filter(is_marked).label("marked_count"),
            # Not evaluated without marks: it divides by their numbers.
            func.count(case((is_marked, case((fell, 1))))).label("fallen_count"),
        )
        .group_by(week.subject)
        .cte("weeks_by_subject")
    )


def _students_weeks(two_weeks_ago: datetime, week_ago: datetime, now: datetime) -> AnyQuery:
    mark = AssessmentLog
    percentage = 100 * mark.score / mark.max_score
    is_new = mark.timestamp > week_ago
    return (
        select(
            mark.subject,
            func.sum(percentage).filter(is_new).label("total"),
            func.count().filter(is_new).label("marks"),
            func.sum(percentage).filter(~is_new).label("total_before"),
            func.count().filter(~is_new).label("marks_before"),
        )
        .where(
            mark.timestamp > two_weeks_ago,
            mark.timestamp <= now,
            mark.score.is_not(None),
            _is_assessed(mark.student_id),
        )
        .group_by(mark.subject, mark.student_id)
    )


def _counts(
    weeks: CTE, active_since: datetime, today: datetime, now: datetime, *, with_risk: bool
) -> AnyQuery:
    record = PerformanceRecord
    is_flagged = or_(
        record.integrity_label == IntegrityLabel.NEEDS_REVIEW, record.sudden_jump_flag.is_(True)
    )
    action = ActionLog
    intervened = select(func.count(distinct(action.student_id))).where(was_done_within(today, now))
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
        .where(_is_assessed(record.student_id))
    )


def _high_dropout_risk(*, with_risk: bool) -> Any:
    if not with_risk:
        return cast(null(), Integer)
    risk, student_id = published_risk.c, PerformanceRecord.student_id
    # The dropout service may have students that are not recorded here.
    query = select(func.count()).join_from(
        published_risk, PerformanceRecord, risk.student_id == student_id
    )
    return query.where(risk.risk_level.in_(HIGH_LEVELS)).scalar_subquery()


def _mean(total: Any, marks: Any) -> ScalarSelect[Any]:
    return select(func.sum(total) / func.nullif(func.sum(marks), 0)).scalar_subquery()


def _hints(weeks: CTE) -> AnyQuery:
    week = weeks.c
    return select(
        *_section(
            Section.HINT,
            subject=week.subject,
            first_count=week.marked_count,
            second_count=week.fallen_count,
        )
    ).where(week.marked_count > 0)


def _states() -> CTE:
    """Return the numbers of assessed students by concept and state.

    Those of restricted students are subtracted, so that all are counted from an index without ids.
    """
    standing = ConceptStanding
    key = (standing.subject, standing.concept, standing.learning_state)
    restricted = standing.student_id.in_(select(StudentRestriction.student_id))
    counted = union_all(
        select(*key, func.count().label("students")).group_by(*key),
        select(*key, (-func.count()).label("students")).where(restricted).group_by(*key),
    ).subquery("counted")
    students = func.sum(counted.c.students)
    by_state = (counted.c.subject, counted.c.concept, counted.c.learning_state)
    query = select(*by_state, cast(students, Integer).label("students"))
    return query.group_by(*by_state).having(students > 0).cte("states")


def _heat(states: CTE) -> AnyQuery:
    state, module = states.c, ConceptModule
    is_known = and_(module.subject == state.subject, module.concept == state.concept)
    return select(
        *_section(
            Section.HEAT,
            subject=state.subject,
            concept=state.concept,
            state=cast(state.learning_state, String),
            first_count=state.students,
            second_count=module.difficulty,
        )
    ).select_from(states.outerjoin(module, is_known))


def _pairs(states: CTE) -> AnyQuery:
    pair = union_all(*(_places(states, place) for place in range(PAIRS_PER_CONCEPT))).cte("pairs").c
    tutor, learner = aliased(ConceptStanding), aliased(ConceptStanding)

    def is_standing(standing: Any, student_id: Any) -> ColumnElement[bool]:
        is_same = (standing.subject == pair.subject) & (standing.concept == pair.concept)
        return and_(standing.student_id == student_id, is_same)

    best = (
        select(
            *_section(
                Section.PAIR,
                subject=pair.subject,
                concept=pair.concept,
                tutor_id=pair.tutor_id,
                tutor_mean=tutor.mean_percentage,
                learner_id=pair.learner_id,
                learner_mean=learner.mean_percentage,
            )
        )
        .join(tutor, is_standing(tutor, pair.tutor_id))
        .join(learner, is_standing(learner, pair.learner_id))
        .order_by(learner.mean_percentage, pair.subject, pair.concept, pair.learner_id)
        .limit(PAIRS)
        .subquery("best")
    )
    return select(best)


def _places(states: CTE, place: int) -> AnyQuery:
    """Return the tutor and the learner at a place (from 0) of each concept, None if there is none.

    Each is one look into an index; ranking all students would read all of them.
    """
    concept = select(states.c.subject, states.c.concept).distinct().subquery("concepts").c
    standing = aliased(ConceptStanding)
    mean = standing.mean_percentage

    def at_place(condition: Any, order: Any) -> Any:
        query = select(standing.student_id).where(
            standing.subject == concept.subject,
            standing.concept == concept.concept,
            condition,
        )
        query = query.order_by(order, standing.student_id).limit(1).offset(place)
        return query.scalar_subquery()

    return select(
        concept.subject,
        concept.concept,
        at_place(IS_TUTOR, mean.desc()).label("tutor_id"),
        at_place(IS_LEARNER, mean).label("learner_id"),
    )


def _section(section: Section, **values: Any) -> list[Any]:
    kinds = _COLUMNS.items()
    given = [values.get(name, cast(null(), kind)).label(name) for name, kind in kinds]
    return [literal(section.value).label("section"), *given]
