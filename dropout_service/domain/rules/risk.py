"""The dropout risk by rules that can be read: signs of four kinds, each with a stated weight."""

from dataclasses import dataclass
from math import log, prod

from dropout_service.domain.enums import DropoutType, RiskLevel, risk_level
from dropout_service.domain.rules import behavior, cognition, engagement
from dropout_service.domain.rules import passive_presence as silence
from dropout_service.domain.rules.cognition import FEWEST_GRADED, FEWEST_MARKS
from dropout_service.domain.rules.features import Features
from dropout_service.domain.rules.indicators import Measured, Sign
from dropout_service.domain.rules.momentum import momentum_index

RULES = "rules-"
RULES_VERSION = f"{RULES}2"
SIGNS = (*engagement.SIGNS, *behavior.SIGNS, *cognition.SIGNS, *silence.SIGNS)
# It is only judged in the place of days_since_activity, so not both can have data.
_STAND_IN = "days_since_mark"
_FULL_WEIGHT = sum(sign.weight for sign in SIGNS if sign.name != _STAND_IN)
FEWEST_KNOWN_DAYS = 14
MOST_RECOMMENDATIONS = 3


@dataclass(frozen=True)
class Indicator:
    """One sign that raises the risk: what was seen, and how much of the score it is (0 to 1).

    compared_with: the student's own weeks before, none where nothing is compared.
    """

    name: str
    part: DropoutType
    value: float
    compared_with: float | None
    severity: float
    contribution: float
    text: str


@dataclass(frozen=True)
class NotAssessed:
    """A sign that could not be judged, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Assessment:
    """The risk as the rules see it, with the signs that led to it, the largest first.

    parts: how much of the score each type of dropout is; they add up to it.
    confidence: the share of the signs, by weight, that there were data for, 0 to 1.
    """

    risk_score: float
    risk_level: RiskLevel
    dropout_type: DropoutType
    parts: dict[DropoutType, float]
    primary: tuple[Indicator, ...]
    secondary: tuple[Indicator, ...]
    recommendations: tuple[str, ...]
    missing: tuple[NotAssessed, ...]
    confidence: float
    momentum_index: float | None


def missing_for_assessment(features: Features) -> str | None:
    """Return what is missing to say anything, or None when there is enough.

    Enough is: known for 14 days, or two marks, or five answers known right or wrong in the last
    two weeks.
    """
    known = features.known_for_days
    if known is None:
        return "by then there is no submission of this student, and no event that tells of now"
    has_results = features.mark_count >= FEWEST_MARKS or features.graded_recent >= FEWEST_GRADED
    if known >= FEWEST_KNOWN_DAYS or has_results:
        return None
    return (
        f"the student was first seen {known:.1f} days before ({FEWEST_KNOWN_DAYS} are needed), has "
        f"{features.mark_count} of {FEWEST_MARKS} marks and {features.graded_recent} of "
        f"{FEWEST_GRADED} answers known right or wrong in the last two weeks; one of the three is "
        "needed"
    )


def assess(features: Features) -> Assessment:
    """Return the dropout risk that the features show.

    risk = 1 - product over the signs of (1 - weight x severity), as if each sign were a cause of
    its own that may lead to dropout (noisy or; Pearl 1988, Probabilistic Reasoning in Intelligent
    Systems, 4.3). A sign without data counts nothing and lowers the confidence. A sign's
    contribution is its share of the logarithm of that product; contributions add up to the risk.
    The type is that of the largest part, NO_DROPOUT at a LOW level.

    Raises:
        ValueError: too little is known (see `missing_for_assessment`).

    """
    if missing := missing_for_assessment(features):
        raise ValueError(missing)
    measured = {sign: sign.measure(features) for sign in SIGNS}
    seen = {sign: found for sign, found in measured.items() if isinstance(found, Measured)}
    indicators = _indicators(seen)
    parts = _parts(indicators)
    largest = max(parts, key=lambda part: parts[part])
    score = _score(seen)
    level = risk_level(score)
    is_safe = level is RiskLevel.LOW
    return Assessment(
        risk_score=score,
        risk_level=level,
        dropout_type=DropoutType.NO_DROPOUT if is_safe else largest,
        parts=parts,
        primary=tuple(found for found in indicators if found.part is largest),
        secondary=tuple(found for found in indicators if found.part is not largest),
        recommendations=() if is_safe else _recommendations(indicators, largest),
        missing=tuple(
            NotAssessed(sign.name, found.reason)
            for sign, found in measured.items()
            if not isinstance(found, Measured)
        ),
        confidence=min(1.0, sum(sign.weight for sign in seen) / _FULL_WEIGHT),
        momentum_index=momentum_index(features),
    )


def _score(seen: dict[Sign, Measured]) -> float:
    spared = prod(1 - sign.weight * sign.severity(found) for sign, found in seen.items())
    return min(1.0, max(0.0, 1 - spared))


def _indicators(seen: dict[Sign, Measured]) -> list[Indicator]:
    logs = {
        sign: -log(1 - sign.weight * severity)
        for sign, found in seen.items()
        if (severity := sign.severity(found)) > 0
    }
    # Below the least severity that a float can subtract from one there is nothing to divide.
    total = sum(logs.values())
    scale = _score(seen) / total if total else 0.0
    found = [_indicator(sign, seen[sign], scale * share) for sign, share in logs.items()]
    return sorted(found, key=lambda indicator: -indicator.contribution)


def _indicator(sign: Sign, measured: Measured, contribution: float) -> Indicator:
    return Indicator(
        name=sign.name,
        part=sign.part,
        value=measured.value,
        compared_with=measured.compared_with,
        severity=sign.severity(measured),
        contribution=contribution,
        text=measured.text,
    )


def _parts(indicators: list[Indicator]) -> dict[DropoutType, float]:
    kinds = dict.fromkeys(sign.part for sign in SIGNS)
    return {
        kind: sum(found.contribution for found in indicators if found.part is kind)
        for kind in kinds
    }


def _recommendations(indicators: list[Indicator], largest: DropoutType) -> tuple[str, ...]:
    """Return what helps against the largest signs, those of the type first."""
    advice = {sign.name: sign.advice for sign in SIGNS}
    ranked = sorted(indicators, key=lambda found: (found.part is not largest, -found.contribution))
    return tuple(advice[found.name] for found in ranked[:MOST_RECOMMENDATIONS])
