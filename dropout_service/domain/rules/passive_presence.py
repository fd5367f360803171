"""Indicators of presence without output: the student is active but no longer answers questions."""

from dataclasses import replace

from dropout_service.domain.enums import DropoutType
from dropout_service.domain.rules.features import Features
from dropout_service.domain.rules.indicators import (
    FEW_JUDGED,
    NO_EVENTS,
    Indicator,
    Measurement,
    Unknown,
    measure_fall,
)
from dropout_service.domain.sentences.sentence import Sentence

# A lower value is absence, which the indicators of engagement measure.
MIN_ACTIVE_DAYS_PER_WEEK = 1


def _output(features: Features) -> Measurement | Unknown:
    return _while_present(
        features,
        measure_fall(
            features.answers_per_week_recent,
            features.answers_per_week_before,
            code="output_fall.questions",
            absent="no questions were answered in the weeks before",
        ),
    )


def _velocity(features: Features) -> Measurement | Unknown:
    if _is_unjudged(features.answers_per_week_recent, features.velocity_recent):
        return _while_present(features, FEW_JUDGED)
    if _is_unjudged(features.answers_per_week_before, features.velocity_before):
        return _while_present(features, FEW_JUDGED)
    return _while_present(
        features,
        measure_fall(
            _weekly(features.velocity_recent),
            _weekly(features.velocity_before),
            code="velocity_fall.questions",
            absent="no questions were solved in the weeks before",
        ),
    )


def _is_unjudged(answers: float | None, solved: float | None) -> bool:
    return answers is not None and solved is None


def _weekly(per_day: float | None) -> float | None:
    return None if per_day is None else 7 * per_day


def _while_present(features: Features, measured: Measurement | Unknown) -> Measurement | Unknown:
    days = features.active_days_per_week_recent
    if days is None:
        return NO_EVENTS
    if days < MIN_ACTIVE_DAYS_PER_WEEK:
        return Unknown("the student was active on fewer than two of the last 14 days")
    if isinstance(measured, Unknown):
        return measured
    sentence = Sentence(measured.sentence.code, {"active": days, **measured.sentence.values})
    return replace(measured, sentence=sentence)


INDICATORS = (
    Indicator(
        name="output_fall",
        part=DropoutType.SILENT,
        weight=0.55,
        start=0.25,
        full=1,
        measure=_output,
        advice="Do not trust the log-ins: ask to see this week's work, and start it together.",
    ),
    Indicator(
        name="velocity_fall",
        part=DropoutType.SILENT,
        weight=0.35,
        start=0.25,
        full=1,
        measure=_velocity,
        advice="Give one question that can surely be solved, and praise it when it is.",
    ),
)
