"""Assessment of an enrolment from a model's output: level, type, reasons, advice."""

from collections.abc import Mapping, Set
from dataclasses import dataclass

from dropout_service.domain.enrolments.enrolment_features import COURSE_LEVEL_FEATURES
from dropout_service.domain.enrolments.explanation_topics import (
    TOPIC_BY_FEATURE,
    TOPIC_BY_NAME,
    TOPICS,
    Topic,
)
from dropout_service.domain.enums import DropoutType, RiskLevel, risk_level
from dropout_service.domain.rules.risk import MAX_RECOMMENDATIONS, NotAssessed
from dropout_service.domain.sentences.english import text_of
from dropout_service.domain.sentences.sentence import Sentence, Values

# Share of a course that staff have time to talk with; it gets a type and advice also at LOW.
REVIEWED_SHARE = 0.1
# A smaller contribution, about a tenth of the odds, is no reason to talk with the student.
MIN_SIGN_LOG_ODDS = 0.1


@dataclass(frozen=True)
class Reason:
    """Topic with its contribution to the log-odds; a negative one lowers the risk.

    value: the student's; compared_with: the course's median; None: unknown. part: NO_DROPOUT for
    circumstances that are not the student's behaviour. is_sign: the topic raises the risk and its
    values show trouble. The field names are stored in predictions, and all but `sentence` are in
    their digests.
    """

    name: str
    part: DropoutType
    value: float | None
    compared_with: float | None
    severity: None
    contribution: float
    text: str
    is_sign: bool
    sentence: Sentence


@dataclass(frozen=True)
class ModelOutput:
    """Output of a model for one enrolment.

    risk_score: the calibrated probability, 0 to 1. base_log_odds and contributions (by feature, in
    log-odds) add up to its log-odds. values and medians: by feature. rank: 1 is the highest risk
    among the `ranked` enrolments of the course. confidence: 0 to 1.
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
    """Assessment of an enrolment by a model; primary reasons are those of the type, if any.

    The contributions of all reasons and the base add up to the log-odds of the risk score. The
    base contains everything that is equal for all students of the course on that day.
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


def assess_enrolment(output: ModelOutput) -> ModelAssessment:
    """Return the assessment from the model's output.

    A sign is a reason with a contribution of at least `MIN_SIGN_LOG_ODDS` and with known values
    that show trouble. The type is the one with the largest sum of contributions of its signs;
    NO_DROPOUT without such a sign. Advice is given for signs. At a LOW level outside the tenth of
    the course with the highest risk there is neither type nor advice.
    """
    missing = _missing(output)
    reasons = _reasons(output, unknown={topic.name for topic in missing})
    signs = [reason for reason in reasons if reason.is_sign]
    level = risk_level(output.risk_score)
    is_reviewed = level is not RiskLevel.LOW or output.rank <= max(
        1, REVIEWED_SHARE * output.ranked
    )
    dropout_type = _type(signs) if is_reviewed else DropoutType.NO_DROPOUT
    primary = tuple(
        reason for reason in signs if reason.part is dropout_type is not DropoutType.NO_DROPOUT
    )
    return ModelAssessment(
        risk_score=output.risk_score,
        risk_level=level,
        dropout_type=dropout_type,
        primary=primary,
        secondary=tuple(reason for reason in reasons if reason not in primary),
        recommendations=_recommendations(primary, signs) if is_reviewed else (),
        missing=missing,
        confidence=output.confidence,
        base_log_odds=_base(output),
        rank=output.rank,
        ranked=output.ranked,
    )


def _base(output: ModelOutput) -> float:
    """Return the base log-odds with the contributions of the course-level features."""
    added = (output.contributions.get(feature, 0.0) for feature in COURSE_LEVEL_FEATURES)
    return output.base_log_odds + sum(added)


def _reasons(output: ModelOutput, *, unknown: Set[str]) -> list[Reason]:
    sums: dict[Topic, float] = {}
    for feature, contribution in output.contributions.items():
        if feature in COURSE_LEVEL_FEATURES:
            continue
        topic = TOPIC_BY_FEATURE[feature]
        sums[topic] = sums.get(topic, 0.0) + contribution
    reasons = [
        _reason(topic, total, output, is_known=topic.name not in unknown)
        for topic, total in sums.items()
        if total
    ]
    return sorted(reasons, key=lambda reason: (-reason.contribution, reason.name))


def _reason(topic: Topic, contribution: float, output: ModelOutput, *, is_known: bool) -> Reason:
    is_trouble = topic.is_trouble(output.values, output.medians)
    sentence = topic.explain(output.values, output.medians)
    return Reason(
        name=topic.name,
        part=topic.dropout_type or DropoutType.NO_DROPOUT,
        value=output.values[topic.shown_feature],
        compared_with=output.medians[topic.shown_feature],
        severity=None,
        contribution=contribution,
        text=text_of(sentence),
        is_sign=is_known and is_trouble and contribution >= MIN_SIGN_LOG_ODDS,
        sentence=sentence,
    )


def _type(signs: list[Reason]) -> DropoutType:
    sums: dict[DropoutType, float] = {}
    for sign in signs:
        if sign.part is not DropoutType.NO_DROPOUT:
            sums[sign.part] = sums.get(sign.part, 0.0) + sign.contribution
    return max(sums, key=lambda part: sums[part]) if sums else DropoutType.NO_DROPOUT


def _recommendations(primary: tuple[Reason, ...], signs: list[Reason]) -> tuple[str, ...]:
    others = [sign for sign in signs if sign not in primary]
    chosen = (*primary, *others)[:MAX_RECOMMENDATIONS]
    return tuple(TOPIC_BY_NAME[reason.name].advice for reason in chosen)


def _missing(output: ModelOutput) -> tuple[NotAssessed, ...]:
    """Return the topics of the model with only unknown features."""
    of_model = {
        TOPIC_BY_FEATURE[name] for name in output.contributions if name not in COURSE_LEVEL_FEATURES
    }
    return tuple(
        NotAssessed(topic.name, "nothing is known of it by then; missing is not zero")
        for topic in TOPICS
        if topic in of_model and all(output.values[name] is None for name in topic.features)
    )
