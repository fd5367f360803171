"""Dropout risk by rules: indicators of four dropout types, each with a stated weight."""

from dataclasses import dataclass
from math import log, prod

from dropout_service.domain.enums import DropoutType, RiskLevel, risk_level
from dropout_service.domain.rules import behavior, cognition, engagement, passive_presence
from dropout_service.domain.rules.cognition import MIN_GRADED, MIN_MARKS
from dropout_service.domain.rules.features import Features
from dropout_service.domain.rules.indicators import Indicator, Measurement
from dropout_service.domain.rules.momentum import momentum_index
from dropout_service.domain.sentences.english import text_of
from dropout_service.domain.sentences.sentence import Sentence

RULES = "rules-"
RULES_VERSION = f"{RULES}3"
INDICATORS = (
    *engagement.INDICATORS,
    *behavior.INDICATORS,
    *cognition.INDICATORS,
    *passive_presence.INDICATORS,
)
# Measured only without days_since_activity, so at most one of the two has data.
_SUBSTITUTE = "days_since_mark"
_FULL_WEIGHT = sum(one.weight for one in INDICATORS if one.name != _SUBSTITUTE)
MIN_KNOWN_DAYS = 14
MAX_RECOMMENDATIONS = 3


@dataclass(frozen=True)
class IndicatorResult:
    """Indicator that raises the risk: its measurement, and its part of the score (0 to 1).

    compared_with: the figure of the student's own weeks before; None without a comparison. The
    field names are stored in predictions. sentence: None if the prediction was made elsewhere.
    """

    name: str
    part: DropoutType
    value: float
    compared_with: float | None
    severity: float
    contribution: float
    text: str
    sentence: Sentence | None = None


@dataclass(frozen=True)
class NotAssessed:
    """Indicator or topic that was not assessed, and the reason."""

    name: str
    reason: str


@dataclass(frozen=True)
class Assessment:
    """Risk by the rules, with its indicators, the largest contribution first.

    parts: the part of the score of each dropout type; they add up to the score.
    confidence: the weight of the indicators with data, as a share of all weights, 0 to 1.
    """

    risk_score: float
    risk_level: RiskLevel
    dropout_type: DropoutType
    parts: dict[DropoutType, float]
    primary: tuple[IndicatorResult, ...]
    secondary: tuple[IndicatorResult, ...]
    recommendations: tuple[str, ...]
    missing: tuple[NotAssessed, ...]
    confidence: float
    momentum_index: float | None


def missing_for_assessment(features: Features) -> str | None:
    """Return the data missing for an assessment, or None if there is enough.

    One of these is enough: known for 14 days, two marks, or five answers known to be right or
    wrong in the last two weeks.
    """
    known = features.known_for_days
    if known is None:
        return "by then there is no submission of this student, and no event that tells of now"
    marks = features.mark_count or 0
    has_results = marks >= MIN_MARKS or features.graded_recent >= MIN_GRADED
    if known >= MIN_KNOWN_DAYS or has_results:
        return None
    return (
        f"the student was first seen {known:.1f} days before ({MIN_KNOWN_DAYS} are needed), has "
        f"{marks} of {MIN_MARKS} marks and {features.graded_recent} of "
        f"{MIN_GRADED} answers known right or wrong in the last two weeks; one of the three is "
        "needed"
    )


def assess(features: Features) -> Assessment:
    """Return the dropout risk from the features.

    risk = 1 - product over the indicators of (1 - weight x severity). Each indicator is treated as
    an independent cause of dropout (noisy or; Pearl 1988, Probabilistic Reasoning in Intelligent
    Systems, 4.3). An indicator without data counts nothing and lowers the confidence. The
    contribution of an indicator is the risk times its share of the logarithm of that product, so
    the contributions add up to the risk. The type is that of the largest part; NO_DROPOUT at LOW.

    Raises:
        ValueError: too little data (see `missing_for_assessment`).

    """
    if missing := missing_for_assessment(features):
        raise ValueError(missing)
    found = {indicator: indicator.measure(features) for indicator in INDICATORS}
    measured = {one: result for one, result in found.items() if isinstance(result, Measurement)}
    results = _results(measured)
    parts = _parts(results)
    largest = max(parts, key=lambda part: parts[part])
    score = _score(measured)
    level = risk_level(score)
    is_low = level is RiskLevel.LOW
    return Assessment(
        risk_score=score,
        risk_level=level,
        dropout_type=DropoutType.NO_DROPOUT if is_low else largest,
        parts=parts,
        primary=tuple(result for result in results if result.part is largest),
        secondary=tuple(result for result in results if result.part is not largest),
        recommendations=() if is_low else _recommendations(results, largest),
        missing=tuple(
            NotAssessed(indicator.name, result.reason)
            for indicator, result in found.items()
            if not isinstance(result, Measurement)
        ),
        confidence=min(1.0, sum(indicator.weight for indicator in measured) / _FULL_WEIGHT),
        momentum_index=momentum_index(features),
    )


def _score(measured: dict[Indicator, Measurement]) -> float:
    no_dropout = prod(1 - one.weight * one.severity(result) for one, result in measured.items())
    return min(1.0, max(0.0, 1 - no_dropout))


def _results(measured: dict[Indicator, Measurement]) -> list[IndicatorResult]:
    logs = {
        indicator: -log(1 - indicator.weight * severity)
        for indicator, measurement in measured.items()
        if (severity := indicator.severity(measurement)) > 0
    }
    # The total is 0 if all severities are too small to change 1 as a float.
    total = sum(logs.values())
    scale = _score(measured) / total if total else 0.0
    results = [_result(one, measured[one], scale * part) for one, part in logs.items()]
    return sorted(results, key=lambda result: -result.contribution)


def _result(indicator: Indicator, measurement: Measurement, contribution: float) -> IndicatorResult:
    return IndicatorResult(
        name=indicator.name,
        part=indicator.part,
        value=measurement.value,
        compared_with=measurement.compared_with,
        severity=indicator.severity(measurement),
        contribution=contribution,
        text=text_of(measurement.sentence),
        sentence=measurement.sentence,
    )


def _parts(results: list[IndicatorResult]) -> dict[DropoutType, float]:
    types = dict.fromkeys(indicator.part for indicator in INDICATORS)
    return {
        type_: sum(result.contribution for result in results if result.part is type_)
        for type_ in types
    }


def _recommendations(results: list[IndicatorResult], largest: DropoutType) -> tuple[str, ...]:
    """Return the advice for the largest indicators, those of the type first."""
    advice = {indicator.name: indicator.advice for indicator in INDICATORS}
    ranked = sorted(results, key=lambda result: (result.part is not largest, -result.contribution))
    return tuple(advice[result.name] for result in ranked[:MAX_RECOMMENDATIONS])
