"""Summary of the risks over all students, and of their change."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, FromClause, exists, func, join, or_, select, true, tuple_
from sqlalchemy.orm import Session, aliased

from dropout_service.database.overall_risks import are_kept, kept_at, kept_counts
from dropout_service.database.students.restrictions import is_assessed
from dropout_service.domain.enums import LEVEL_BOUNDS, DropoutType, RiskLevel
from dropout_service.models import Course, DropoutPrediction, KnownStudent, Student
from shared_db.queries.small_groups import require_group
from shared_db.repository import Repository

MAX_NEWLY_AT_RISK = 20
AT_RISK_FROM = LEVEL_BOUNDS[RiskLevel.HIGH]


@dataclass(frozen=True)
class RiskDistribution:
    """Numbers of students by level and type of their overall prediction at an instant."""

    at: datetime
    predicted: int
    levels: dict[RiskLevel, int]
    types: dict[DropoutType, int]


@dataclass(frozen=True)
class NewlyAtRisk:
    """Student at HIGH or CRITICAL now who was below one period before.

    Scores are 0 to 1; risk_score_before is None if the student had no prediction then.
    """

    student_id: str
    prediction_id: str
    risk_score: float
    risk_level: RiskLevel
    dropout_type: DropoutType
    risk_score_before: float | None


@dataclass(frozen=True)
class RiskSummary:
    """Distributions now and one or more periods before, the latest first.

    newly_at_risk: at most 20 students, the highest risk first; newly_at_risk_count: of all.
    """

    standings: Sequence[RiskDistribution]
    newly_at_risk_count: int
    newly_at_risk: Sequence[NewlyAtRisk]


class RiskSummaryRepository(Repository):
    """Counts over the predictions of all students."""

    def summarize(self, at: datetime, *, days: int = 7, periods: int = 4) -> RiskSummary:
        """Return the distributions at `at` and at `periods` earlier instants, `days` apart.

        Newly at risk is relative to the instant `days` before `at`.

        Raises:
            GroupTooSmall: a person with limited sight sees fewer than 5 students.

        """
        instants = [at - timedelta(days=days * back) for back in range(periods + 1)]

        def summarize(session: Session) -> RiskSummary:
            require_group(session, KnownStudent.id)
            return risk_summary(session, instants, is_kept=are_kept(session))

        return self.read(summarize)


def risk_summary(session: Session, instants: Sequence[datetime], *, is_kept: bool) -> RiskSummary:
    """Return the distributions at the instants, and those newly at risk at the first of them.

    is_kept: read the kept overall risks; False: compute them from the predictions. Both are equal.
    """
    count, students = _newly_at_risk(session, instants[0], instants[1], is_kept=is_kept)
    return RiskSummary(_distributions(session, instants, is_kept=is_kept), count, students)


def _distributions(
    session: Session, instants: Sequence[datetime], *, is_kept: bool
) -> list[RiskDistribution]:
    if not is_kept:
        return [_distribution(at, _counts(session, at)) for at in instants]
    kept = kept_counts(session, instants)
    return [
        _distribution(at, [(level, type_, counts[place]) for level, type_, counts in kept])
        for place, at in enumerate(instants)
    ]


def _distribution(at: datetime, counts: Sequence[Any]) -> RiskDistribution:
    levels, types = dict.fromkeys(RiskLevel, 0), dict.fromkeys(DropoutType, 0)
    for level, type_, count in counts:
        levels[level] += count
        types[type_] += count
    return RiskDistribution(at, sum(levels.values()), levels, types)


def _counts(session: Session, at: datetime) -> Sequence[Any]:
    overall = _overall_at(session, at, is_kept=False)
    type_, level = overall.row.c.dropout_type, overall.row.c.risk_level
    query = select(level, type_, func.count()).select_from(Student).join(overall.row, overall.of)
    return session.execute(query.group_by(level, type_)).all()


@dataclass(frozen=True)
class _Overall:
    """Overall prediction of each student at an instant, and the condition to join it to Student."""

    row: FromClause
    of: ColumnElement[bool]


def _overall_at(session: Session, at: datetime, *, is_kept: bool) -> _Overall:
    """Return the overall predictions: the highest among the latest of each course of a student.

    Excluded are predictions of classes, and those superseded by the instant or recomputed. A course
    that was over is excluded if the student has a newer prediction.
    """
    if is_kept:
        kept = kept_at(at)
        return _Overall(kept, kept.c.student_id == Student.id)
    row, other = aliased(DropoutPrediction), aliased(DropoutPrediction)
    of_same = (
        (other.student_id == row.student_id)
        & (other.as_of <= at)
        & other.recomputed_at.is_(None)
        & ~other.is_class
    )
    is_later = tuple_(other.as_of, other.id) > tuple_(row.as_of, row.id)
    in_course = func.coalesce(other.course, "") == func.coalesce(row.course, "")
    over = [course.id for course in session.scalars(select(Course)) if course.dates.is_over_at(at)]
    overall = (
        select(row)
        .where(
            row.student_id == Student.id,
            is_assessed(session, Student.id),
            row.as_of <= at,
            row.recomputed_at.is_(None),
            ~row.is_class,
            or_(row.obsolete_from.is_(None), row.obsolete_from > at),
            ~exists().where(of_same, in_course, is_later),
            or_(
                row.course.is_(None),
                row.course.not_in(over),
                ~exists().where(of_same, other.as_of > row.as_of),
            ),
        )
        .order_by(row.risk_score.desc(), row.as_of.desc(), row.id.desc())
        .limit(1)
        .correlate(Student)
    )
    if session.get_bind().dialect.name != "sqlite":
        return _Overall(overall.lateral(), true())  # one index lookup per student
    id_ = overall.with_only_columns(row.id).scalar_subquery()
    ids = select(id_.label("id")).select_from(Student).subquery()
    found = select(DropoutPrediction).join(ids, ids.c.id == DropoutPrediction.id).subquery()
    return _Overall(found, found.c.student_id == Student.id)


def _newly_at_risk(
    session: Session, at: datetime, then: datetime, *, is_kept: bool
) -> tuple[int, list[NewlyAtRisk]]:
    overall, earlier = (_overall_at(session, one, is_kept=is_kept) for one in (at, then))
    now, before = overall.row.c, earlier.row.c
    if is_kept:
        joined = overall.row.outerjoin(earlier.row, before.student_id == now.student_id)
    else:
        joined = join(Student, overall.row, overall.of).outerjoin(earlier.row, earlier.of)
    was_safe = or_(before.id.is_(None), before.risk_score < AT_RISK_FROM)
    columns = (now.student_id, now.id, now.risk_score, now.risk_level, now.dropout_type)
    newly = (
        select(*columns, before.risk_score.label("risk_score_before"))
        .select_from(joined)
        .where(now.risk_score >= AT_RISK_FROM, was_safe)
        .cte("newly")
    )
    # All are counted: without a query of its own the planner would plan for a few.
    total = select(func.count()).select_from(newly).scalar_subquery()
    query = (
        select(*newly.c, total)
        .order_by(newly.c.risk_score.desc(), newly.c.id.desc())
        .limit(MAX_NEWLY_AT_RISK)
    )
    rows = session.execute(query).all()
    return (rows[0][-1] if rows else 0), [NewlyAtRisk(*row[:-1]) for row in rows]
