"""Cohort dashboard: all students together, in one query that reads indexes."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.queries.small_groups import require_group
from shared_db.repository import Repository
from staffstuddash_service.datastore.dashboards.cohort_figures import (
    Cohort,
    HeatCell,
    TutoringPair,
)
from staffstuddash_service.datastore.dashboards.cohort_query import PAIRS, Section, cohort_query
from staffstuddash_service.datastore.dashboards.group_cohort import group_cohort
from staffstuddash_service.domain.cohort import MaterialHint, change, material_hint, start_of_day
from staffstuddash_service.domain.learning import LearningState
from staffstuddash_service.errors import InstantUnknown
from staffstuddash_service.models import ActionLog, AssessmentLog, Draft, Student

ACTIVE_WITHIN = timedelta(days=14)
WEEK = timedelta(days=7)


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

    def find(
        self, *, course: str | None, as_of: datetime | None, zone: ZoneInfo | None = None
    ) -> Cohort:
        """Return the cohort dashboard of a course or class, or of an earlier instant, or both.

        The figures are those of `get`. Earlier ones are computed from the marks, drafts and actions
        up to the instant, as they are stored now; the dropout risk is then unknown.

        Raises:
            InstantUnknown: `as_of` is in the future or before the first row.
            GroupTooLarge: an earlier instant of more than 2,000 students.
            GroupTooSmall: a person with limited sight sees fewer than 5 students of the course.

        """
        if course is None and as_of is None:
            return self.get(zone=zone)
        now = utc_now()

        def figures(session: Session) -> Cohort:
            if as_of is not None:
                _require_known(session, as_of, now)
            return group_cohort(session, course, as_of, now, zone, is_memory=self.use_fallback)

        return self.read_snapshot(figures)


def _require_known(session: Session, as_of: datetime, now: datetime) -> None:
    """Check that an instant is not in the future, and that there were rows by then.

    Raises:
        InstantUnknown: it is.

    """
    if as_of > now:
        raise InstantUnknown("It is in the future.")
    firsts = (
        func.min(Student.created_at),
        func.min(AssessmentLog.timestamp),
        func.min(Draft.timestamp),
        func.min(ActionLog.timestamp),
    )
    found = session.execute(select(*(select(first).scalar_subquery() for first in firsts))).one()
    first = min(filter(None, found), default=None)
    if first is None or as_of < first:
        raise InstantUnknown("Nothing was stored of that time.")


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
