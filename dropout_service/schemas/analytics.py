"""Counts over all students."""

from datetime import datetime

from dropout_service.domain.enums import DropoutType, RiskLevel, Verdict
from shared_web.requests.fields import Out


class StandingOut(Out):
    """How many students had which level and type by their latest prediction at an instant."""

    at: datetime
    predicted: int
    levels: dict[RiskLevel, int]
    types: dict[DropoutType, int]


class NewlyAtRiskOut(Out):
    """A student at HIGH or CRITICAL now who was not then; no score before: not predicted then."""

    student_id: str
    prediction_id: str
    risk_score: float
    risk_level: RiskLevel
    dropout_type: DropoutType
    risk_score_before: float | None


class SummaryOut(Out):
    """The standing now and at the end of each period before it, the latest first.

    `newly_at_risk` names at most 20, the highest risk first; the count is of all.
    """

    standings: list[StandingOut]
    newly_at_risk_count: int
    newly_at_risk: list[NewlyAtRiskOut]


class FeedbackCountsOut(Out):
    """How many verdicts of each kind there are, by the type of dropout that was predicted."""

    by_type: dict[DropoutType, dict[Verdict, int]]
