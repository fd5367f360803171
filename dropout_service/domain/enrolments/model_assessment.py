"""What a model's figures of one enrolment mean: level, type, reasons, advice."""

from collections.abc import Mapping, Set
from dataclasses import dataclass

from dropout_service.domain.enrolments.enrolment_features import OF_THE_COURSE
from dropout_service.domain.enrolments.explanation_topics import (
    TOPIC_NAMED,
    TOPIC_OF,
    TOPICS,
    Topic,
)
from dropout_service.domain.enrolments.explanations import Values
from dropout_service.domain.enums import DropoutType, RiskLevel, risk_level
from dropout_service.domain.rules.risk import MOST_RECOMMENDATIONS, NotAssessed

# Staff can see about a tenth of a course; these get a type and advice also where the level is LOW.
SEEN_SHARE = 0.1
# What adds less to the log-odds, about a tenth to the odds, is no ground to talk with somebody.
LEAST_SIGN = 0.1


@dataclass(frozen=True)
class Reason:
    """A topic and what it adds to the log-odds; below 0 it speaks against dropping out.

    value: the student's, compared_with: the course's median of it; None is not known. part is
    NO_DROPOUT where the topic is no doing of the student's. is_sign: there is something to talk
    about.
    """

    name: str
    part: DropoutType
    value: float | None
    compared_with: float | None
    severity: None
    contribution: float
    text: str
    is_sign: bool


@dataclass(frozen=True)
class Judged:
    """A model's figures of one enrolment.

    risk_score: the calibrated probability, 0 to 1. base_log_odds and contributions (by feature, in
    log-odds) add up to its log-odds. values and medians: by feature. rank: 1 is the highest risk of
    the `ranked` in the course. confidence: 0 to 1.
    """

    risk_score: float
    base_log_odds: float
    contributions: Mapping[str, float]
    values: Values
    medians: Values
    rank: int
    ranked: int
    confidence: float


@dataclass(frozen=True)
class ModelAssessment:
    """An enrolment as a model sees it; primary reasons are those of the type, if any.

    The contributions of all reasons and the base add up to the log-odds of the risk score; the base
    holds what is the same for everybody in the course on that day.
    """

    risk_score: float
    risk_level: RiskLevel
    dropout_type: DropoutType
    primary: tuple[Reason, ...]
    secondary: tuple[Reason, ...]
    recommendations: tuple[str, ...]
    missing: tuple[NotAssessed, ...]
    confidence: float
    base_log_odds: float
    rank: int
    ranked: int


def assess_enrolment(judged: Judged) -> ModelAssessment:
    """Return what the figures mean.

    A sign is a reason that raises the risk by `LEAST_SIGN`, and of which what is known shows some
    trouble. The type is that of the signs which together raise it most; NO_DROPOUT where nothing
    that the student does raises it. Advice is given for signs. At a LOW level outside the tenth of
    the course with the highest risk there is neither type nor advice.
    """
    missing = _missing(judged)
    reasons = _reasons(judged, unknown={one.name for one in missing})
    signs = [reason for reason in reasons if reason.is_sign]
    level = risk_level(judged.risk_score)
    is_seen = level is not RiskLevel.LOW or judged.rank <= max(1, SEEN_SHARE * judged.ranked)
    kind = _type(signs) if is_seen else DropoutType.NO_DROPOUT
    primary = tuple(reason for reason in signs if reason.part is kind is not DropoutType.NO_DROPOUT)
    return ModelAssessment(
        risk_score=judged.risk_score,
        risk_level=level,
        dropout_type=kind,
        primary=primary,
        secondary=tuple(reason for reason in reasons if reason not in primary),
        recommendations=_recommendations(primary, signs) if is_seen else (),
        missing=missing,
        confidence=judged.confidence,
        base_log_odds=_base(judged),
        rank=judged.rank,
        ranked=judged.ranked,
    )


def _base(judged: Judged) -> float:
    """Return the log-odds without what is the student's: where the course stands counts in."""
    added = (judged.contributions.get(feature, 0.0) for feature in OF_THE_COURSE)
    return judged.base_log_odds + sum(added)


def _reasons(judged: Judged, *, unknown: Set[str]) -> list[Reason]:
    sums: dict[Topic, float] = {}
    for feature, contribution in judged.contributions.items():
        if feature in OF_THE_COURSE:
            continue
        topic = TOPIC_OF[feature]
        sums[topic] = sums.get(topic, 0.0) + contribution
    found = [
        _reason(topic, total, judged, is_known=topic.name not in unknown)
        for topic, total in sums.items()
        if total
    ]
    return sorted(found, key=lambda reason: (-reason.contribution, reason.name))


def _reason(topic: Topic, contribution: float, judged: Judged, *, is_known: bool) -> Reason:
    is_trouble = topic.is_trouble(judged.values, judged.medians)
    return Reason(
        name=topic.name,
        part=topic.part or DropoutType.NO_DROPOUT,
        value=judged.values[topic.shown],
        compared_with=judged.medians[topic.shown],
        severity=None,
        contribution=contribution,
        text=topic.tell(judged.values, judged.medians),
        is_sign=is_known and is_trouble and contribution >= LEAST_SIGN,
    )


def _type(signs: list[Reason]) -> DropoutType:
    sums: dict[DropoutType, float] = {}
    for sign in signs:
        if sign.part is not DropoutType.NO_DROPOUT:
            sums[sign.part] = sums.get(sign.part, 0.0) + sign.contribution
    return max(sums, key=lambda part: sums[part]) if sums else DropoutType.NO_DROPOUT


def _recommendations(primary: tuple[Reason, ...], signs: list[Reason]) -> tuple[str, ...]:
    others = [sign for sign in signs if sign not in primary]
    chosen = (*primary, *others)[:MOST_RECOMMENDATIONS]
    return tuple(TOPIC_NAMED[reason.name].advice for reason in chosen)


def _missing(judged: Judged) -> tuple[NotAssessed, ...]:
    """Return the topics of the model of which nothing at all is known."""
    of_model = {TOPIC_OF[name] for name in judged.contributions if name not in OF_THE_COURSE}
    return tuple(
        NotAssessed(topic.name, "nothing is known of it by then; missing is not zero")
        for topic in TOPICS
        if topic in of_model and all(judged.values[name] is None for name in topic.features)
    )
