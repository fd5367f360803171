"""How the risks stand over all students, and how they changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session, aliased

from dropout_service.database.part import Part
from dropout_service.domain.kinds import LEVEL_BOUNDS, DropoutType, RiskLevel
from dropout_service.models import DropoutPrediction, Student

MOST_NAMED = 20
AT_RISK_FROM = LEVEL_BOUNDS[RiskLevel.HIGH]


@dataclass(frozen=True)
class Standing:
    """How many students had which level and type by their latest prediction at an instant."""

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


class Analytics(Part):
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
    prediction = _latest_by(at)
    kind, level = prediction.c.dropout_type, prediction.c.risk_level
    rows = session.execute(select(level, kind, func.count()).group_by(level, kind)).all()
    levels, types = dict.fromkeys(RiskLevel, 0), dict.fromkeys(DropoutType, 0)
    for found_level, found_type, count in rows:
        levels[found_level] += count
        types[found_type] += count
    return Standing(at, sum(levels.values()), levels, types)


def _latest_by(at: datetime) -> Any:
    """Return each student's latest prediction by `at`: one look into the index per student."""
    one = aliased(DropoutPrediction)
    latest = (
        select(one.id)
        .where(one.student_id == Student.id, one.as_of <= at)
        .order_by(one.as_of.desc(), one.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    ids = select(latest.label("id")).select_from(Student).subquery()
    query: Select[Any] = select(DropoutPrediction).join(ids, ids.c.id == DropoutPrediction.id)
    return query.subquery()


def _newly_at_risk(session: Session, at: datetime, then: datetime) -> tuple[int, list[NewlyAtRisk]]:
    now, before = _latest_by(at), _latest_by(then)
    was_safe = or_(before.c.id.is_(None), before.c.risk_score < AT_RISK_FROM)
    query = (
        select(
            now.c.student_id,
            now.c.id,
            now.c.risk_score,
            now.c.risk_level,
            now.c.dropout_type,
            before.c.risk_score,
            func.count().over(),
        )
        .outerjoin(before, before.c.student_id == now.c.student_id)
        .where(now.c.risk_score >= AT_RISK_FROM, was_safe)
        .order_by(now.c.risk_score.desc(), now.c.id.desc())
        .limit(MOST_NAMED)
    )
    rows = session.execute(query).all()
    return (rows[0][-1] if rows else 0), [NewlyAtRisk(*row[:-1]) for row in rows]
