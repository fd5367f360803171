"""How the risks stand over all students, and how they changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, FromClause, exists, func, or_, select, true, tuple_
from sqlalchemy.orm import Session, aliased

from dropout_service.domain.enums import LEVEL_BOUNDS, DropoutType, RiskLevel
from dropout_service.models import Course, DropoutPrediction, Student
from shared_db.repository import Repository

MOST_NAMED = 20
AT_RISK_FROM = LEVEL_BOUNDS[RiskLevel.HIGH]


@dataclass(frozen=True)
class Standing:
    """How many students had which level and type by their overall prediction at an instant."""

    at: datetime
    predicted: int
    levels: dict[RiskLevel, int]
    types: dict[DropoutType, int]


@dataclass(frozen=True)
class NewlyAtRisk:
    """A student at HIGH or CRITICAL now who was not then; `risk_score_before` none: not predicted.

    Scores are 0 to 1.
    """

    student_id: str
    prediction_id: str
    risk_score: float
    risk_level: RiskLevel
    dropout_type: DropoutType
    risk_score_before: float | None


@dataclass(frozen=True)
class Summary:
    """The standing now and at the end of each period before, the latest first.

    newly_at_risk names at most 20, the highest risk first; newly_at_risk_count counts all.
    """

    standings: Sequence[Standing]
    newly_at_risk_count: int
    newly_at_risk: Sequence[NewlyAtRisk]


class Analytics(Repository):
    """Counts over the predictions."""

    def get_summary(self, at: datetime, *, days: int = 7, periods: int = 4) -> Summary:
        """Return the standings at `at` and at each of `periods` instants `days` apart before it.

        Newly at risk is meant against the instant `days` before.
        """
        instants = [at - timedelta(days=days * back) for back in range(periods + 1)]
        with self.database.reading() as session:
            count, named = _newly_at_risk(session, at, at - timedelta(days=days))
            return Summary([_standing(session, instant) for instant in instants], count, named)


def _standing(session: Session, at: datetime) -> Standing:
    overall = _overall_by(session, at)
    kind, level = overall.row.c.dropout_type, overall.row.c.risk_level
    query = select(level, kind, func.count()).select_from(Student).join(overall.row, overall.of)
    levels, types = dict.fromkeys(RiskLevel, 0), dict.fromkeys(DropoutType, 0)
    for found_level, found_type, count in session.execute(query.group_by(level, kind)):
        levels[found_level] += count
        types[found_type] += count
    return Standing(at, sum(levels.values()), levels, types)


@dataclass(frozen=True)
class _Overall:
    """Each student's overall prediction at an instant, and the condition to join it to Student."""

    row: FromClause
    of: ColumnElement[bool]


def _overall_by(session: Session, at: datetime) -> _Overall:
    """Return what tells the overall risk: of the latest of each course the highest.

    Without what was obsolete by then or was computed again, and without courses that were over
    where something newer is known.
    """
    one, other = aliased(DropoutPrediction), aliased(DropoutPrediction)
    of_same = (
        (other.student_id == one.student_id) & (other.as_of <= at) & other.recomputed_at.is_(None)
    )
    is_later = tuple_(other.as_of, other.id) > tuple_(one.as_of, one.id)
    in_course = func.coalesce(other.course, "") == func.coalesce(one.course, "")
    over = [course.id for course in session.scalars(select(Course)) if course.dates.is_over_at(at)]
    overall = (
        select(one)
        .where(
            one.student_id == Student.id,
            one.as_of <= at,
            one.recomputed_at.is_(None),
            or_(one.obsolete_from.is_(None), one.obsolete_from > at),
            ~exists().where(of_same, in_course, is_later),
            or_(
                one.course.is_(None),
                one.course.not_in(over),
                ~exists().where(of_same, other.as_of > one.as_of),
            ),
        )
        .order_by(one.risk_score.desc(), one.as_of.desc(), one.id.desc())
        .limit(1)
        .correlate(Student)
    )
    if session.get_bind().dialect.name != "sqlite":
        return _Overall(overall.lateral(), true())  # one look into the index per student
    id_ = overall.with_only_columns(one.id).scalar_subquery()
    ids = select(id_.label("id")).select_from(Student).subquery()
    row = select(DropoutPrediction).join(ids, ids.c.id == DropoutPrediction.id).subquery()
    return _Overall(row, row.c.student_id == Student.id)


def _newly_at_risk(session: Session, at: datetime, then: datetime) -> tuple[int, list[NewlyAtRisk]]:
    overall, earlier = _overall_by(session, at), _overall_by(session, then)
    now, before = overall.row.c, earlier.row.c
    was_safe = or_(before.id.is_(None), before.risk_score < AT_RISK_FROM)
    query = (
        select(
            now.student_id,
            now.id,
            now.risk_score,
            now.risk_level,
            now.dropout_type,
            before.risk_score,
            func.count().over(),
        )
        .select_from(Student)
        .join(overall.row, overall.of)
        .outerjoin(earlier.row, earlier.of)
        .where(now.risk_score >= AT_RISK_FROM, was_safe)
        .order_by(now.risk_score.desc(), now.id.desc())
        .limit(MOST_NAMED)
    )
    rows = session.execute(query).all()
    return (rows[0][-1] if rows else 0), [NewlyAtRisk(*row[:-1]) for row in rows]
