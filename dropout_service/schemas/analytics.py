"""Counts over all students."""

from datetime import datetime

from dropout_service.domain.enums import DropoutType, RiskLevel
from shared_web.requests.fields import Out


class StandingOut(Out):
    """Numbers of students by level and type of their overall prediction at an instant."""

    at: datetime
    predicted: int
    levels: dict[RiskLevel, int]
    types: dict[DropoutType, int]


class NewlyAtRiskOut(Out):
    """Student at HIGH or CRITICAL now who was below before; no score before: not predicted then."""

    student_id: str
    prediction_id: str
    risk_score: float
    risk_level: RiskLevel
    dropout_type: DropoutType
    risk_score_before: float | None


class SummaryOut(Out):
    """Distributions now and one or more periods before, the latest first.

    `newly_at_risk` has at most 20 students, the highest risk first; the count is of all.
    """

    standings: list[StandingOut]
    newly_at_risk_count: int
    newly_at_risk: list[NewlyAtRiskOut]
