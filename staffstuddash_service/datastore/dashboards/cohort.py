"""Cohort dashboard: all students together, in one query that reads indexes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.queries.small_groups import require_group
from shared_db.repository import Repository
from staffstuddash_service.datastore.dashboards.cohort_query import PAIRS, Section, cohort_query
from staffstuddash_service.domain.cohort import MaterialHint, change, material_hint, start_of_day
from staffstuddash_service.domain.learning import LearningState
from staffstuddash_service.models import Student

ACTIVE_WITHIN = timedelta(days=14)
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class HeatCell:
    """Number of students in one state at one concept; state None: too few assessments."""

    subject: str
    concept: str
    difficulty: int | None
    learning_state: LearningState | None
    student_count: int


@dataclass(frozen=True)
class TutoringPair:
    """Strong student and a student who stalled at the same concept; means are 0 to 100."""

    subject: str
    concept: str
    tutor_id: str
    tutor_mean: float
    learner_id: str
    learner_mean: float


@dataclass(frozen=True)
class Cohort:
    """All students together; figures are None where there is too little data."""

    student_count: int
    active_count: int
    flagged_count: int
    review_needed_count: int
    high_risk_count: int
    high_dropout_risk_count: int | None
    intervened_today_count: int
    mean_progress: float | None
    mean_progress_change: float | None
    learning_velocity: float | None
    learning_velocity_student_count: int
    material_hints: Sequence[MaterialHint]
    struggle_heat_map: Sequence[HeatCell]
    tutoring_pairs: Sequence[TutoringPair]
    as_of: datetime


class CohortDashboardRepository(Repository):
    """Cohort dashboard."""

    def get(self, *, zone: ZoneInfo | None = None, as_of: datetime | None = None) -> Cohort:
        """Return the cohort dashboard as of an instant, by default now.

        zone: time zone in which today begins, by default UTC.

        Raises:
            GroupTooSmall: a person with limited sight sees fewer than 5 students.

        """
        now = as_of or utc_now()
        query = cohort_query(
            active_since=now - ACTIVE_WITHIN,
            today=start_of_day(now, zone),
            two_weeks_ago=now - 2 * WEEK,
            week_ago=now - WEEK,
            now=now,
            with_risk=not self.use_fallback,
        )

        def rows(session: Session) -> Sequence[Any]:
            require_group(session, Student.id)
            return session.execute(query).all()

        return _cohort(self.read(rows), now)


def _cohort(rows: Sequence[Any], now: datetime) -> Cohort:
    counts = rows[0]
    return Cohort(
        student_count=counts.student_count,
        active_count=counts.active_count,
        flagged_count=counts.flagged_count,
        review_needed_count=counts.review_needed_count,
        high_risk_count=counts.high_risk_count,
        high_dropout_risk_count=counts.high_dropout_risk_count,
        intervened_today_count=counts.intervened_today_count,
        mean_progress=counts.progress,
        mean_progress_change=change(counts.progress, counts.progress_before),
        learning_velocity=counts.velocity,
        learning_velocity_student_count=counts.velocity_count,
        material_hints=_hints(row for row in rows if row.section == Section.HINT),
        struggle_heat_map=_cells(row for row in rows if row.section == Section.HEAT),
        tutoring_pairs=_pairs(row for row in rows if row.section == Section.PAIR),
        as_of=now,
    )


def _hints(rows: Iterable[Any]) -> list[MaterialHint]:
    hints = [material_hint(row.subject, row.first_count, row.second_count) for row in rows]
    return sorted(hints, key=lambda hint: (-(hint.fallen_share or 0), hint.subject))


def _cells(rows: Iterable[Any]) -> list[HeatCell]:
    cells = [
        HeatCell(
            subject=row.subject,
            concept=row.concept,
            difficulty=row.second_count,
            learning_state=LearningState(row.state) if row.state else None,
            student_count=row.first_count,
        )
        for row in rows
    ]
    return sorted(cells, key=lambda c: (c.subject, c.concept, c.learning_state or ""))


def _pairs(rows: Iterable[Any]) -> list[TutoringPair]:
    pairs = [
        TutoringPair(
            subject=row.subject,
            concept=row.concept,
            tutor_id=row.tutor_id,
            tutor_mean=row.tutor_mean,
            learner_id=row.learner_id,
            learner_mean=row.learner_mean,
        )
        for row in rows
    ]
    return sorted(pairs, key=lambda p: (p.learner_mean, p.subject, p.concept, p.learner_id))[:PAIRS]
