"""A first risk score from two signs: how long nothing was heard, and how the work succeeds."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from dropout_service.domain.kinds import DropoutType, RiskLevel, risk_level

RULES_VERSION = "rules-1"

# Longer than an ordinary holiday of two weeks, so that holidays alone do not reach it.
SILENCE = timedelta(days=28)
RECENCY_WEIGHT = 0.6
FAILURE_WEIGHT = 0.4
FEWEST_RESULTS = 2


@dataclass(frozen=True)
class Signs:
    """What was known of a student at an instant.

    last_activity_at: the latest event or submission, or None when there was none.
    success_share: mean share of the points reached, 0 to 1, or None without results.
    result_count: how many results that mean rests on.
    """

    last_activity_at: datetime | None
    success_share: float | None
    result_count: int


@dataclass(frozen=True)
class Indicator:
    """One sign that raises the risk: what was seen, and how much of the score it is (0 to 1)."""

    name: str
    value: float
    contribution: float
    text: str


@dataclass(frozen=True)
class Assessment:
    """The risk as the rules see it, with the signs that led to it, the largest first."""

    risk_score: float
    risk_level: RiskLevel
    dropout_type: DropoutType
    indicators: tuple[Indicator, ...]
    recommendations: tuple[str, ...]
    confidence: float


def missing_for_assessment(signs: Signs) -> str | None:
    """Return what is missing to say anything, or None when there is enough."""
    if signs.last_activity_at is None:
        return "there is no event and no submission of this student by then"
    return None


def assess(signs: Signs, as_of: datetime) -> Assessment:
    """Return the dropout risk at `as_of` from signs known by then.

    risk = 0.6 x min(days since activity / 28, 1) + 0.4 x (1 - success share). With fewer than two
    results success is left out and the first part alone is the score. The type is the larger
    part's: ENGAGEMENT for silence, COGNITIVE for failing work, NO_DROPOUT at a LOW level.
    confidence: the share of the two signs that there were data for, 0.5 or 1.

    Raises:
        ValueError: nothing is known of the student, or of a later time than `as_of`.

    """
    if signs.last_activity_at is None or signs.last_activity_at > as_of:
        raise ValueError("needs an activity at or before as_of")
    silence = as_of - signs.last_activity_at
    has_results = signs.success_share is not None and signs.result_count >= FEWEST_RESULTS
    weight = RECENCY_WEIGHT if has_results else 1.0
    indicators = [_silence_indicator(silence, weight)]
    if has_results and signs.success_share is not None:
        indicators.append(_failure_indicator(signs.success_share, signs.result_count))
    indicators.sort(key=lambda indicator: -indicator.contribution)
    score = min(1.0, sum(indicator.contribution for indicator in indicators))
    level = risk_level(score)
    is_safe = level is RiskLevel.LOW
    return Assessment(
        risk_score=score,
        risk_level=level,
        dropout_type=DropoutType.NO_DROPOUT if is_safe else _TYPES[indicators[0].name],
        indicators=tuple(indicators),
        recommendations=() if is_safe else (_RECOMMENDATIONS[indicators[0].name],),
        confidence=1.0 if has_results else 0.5,
    )


def _silence_indicator(silence: timedelta, weight: float) -> Indicator:
    days = silence / timedelta(days=1)
    return Indicator(
        name="days_since_activity",
        value=days,
        contribution=weight * min(silence / SILENCE, 1.0),
        text=f"No activity for {days:.0f} days.",
    )


def _failure_indicator(success_share: float, count: int) -> Indicator:
    return Indicator(
        name="success_share",
        value=success_share,
        contribution=FAILURE_WEIGHT * (1 - success_share),
        text=f"{100 * success_share:.0f} % of the points reached over {count} results.",
    )


_TYPES = {
    "days_since_activity": DropoutType.ENGAGEMENT,
    "success_share": DropoutType.COGNITIVE,
}
_RECOMMENDATIONS = {
    "days_since_activity": "Get in touch this week and ask what keeps the student away.",
    "success_share": "Go through the last result together and agree on one topic to work on.",
}
