"""Indicators of an erratic rhythm and of long gaps."""

from dropout_service.domain.enums import DropoutType
from dropout_service.domain.rules.features import MIN_GAPS_RHYTHM, Features
from dropout_service.domain.rules.indicators import NO_EVENTS, Indicator, Measurement, Unknown
from dropout_service.domain.sentences.sentence import Sentence

_FEW_GAPS = Unknown("there are too few active days to compare the gaps between them")


def _longest_gap(features: Features) -> Measurement | Unknown:
    days = features.longest_gap_days
    if features.days_since_activity is None:
        return NO_EVENTS
    if days is None:
        return _FEW_GAPS
    sentence = Sentence("longest_gap_days.days", {"days": days})
    return Measurement(days, days, sentence)


def _gap_growth(features: Features) -> Measurement | Unknown:
    if features.days_since_activity is None:
        return NO_EVENTS
    recent, before = features.mean_gap_days_recent, features.mean_gap_days_before
    if recent is None or before is None or features.gap_growth is None:
        return _FEW_GAPS
    sentence = Sentence("gap_growth.days", {"recent": recent, "before": before})
    return Measurement(features.gap_growth, recent, sentence, before)


def _irregularity(features: Features) -> Measurement | Unknown:
    if features.days_since_activity is None:
        return NO_EVENTS
    variation = features.gap_variation
    if variation is None:
        return Unknown(f"there are fewer than {MIN_GAPS_RHYTHM} gaps in the last six weeks")
    sentence = Sentence("gap_variation.times", {"variation": variation})
    return Measurement(variation, variation, sentence)


INDICATORS = (
    Indicator(
        name="longest_gap_days",
        part=DropoutType.BEHAVIORAL,
        weight=0.35,
        start=7,
        full=28,
        measure=_longest_gap,
        advice="Ask about the long break, and hand over a short list of what was missed.",
    ),
    Indicator(
        name="gap_growth",
        part=DropoutType.BEHAVIORAL,
        weight=0.3,
        start=1.5,
        full=4,
        measure=_gap_growth,
        advice="Agree on fixed days for the coming week and look on each whether the student came.",
    ),
    Indicator(
        name="gap_variation",
        part=DropoutType.BEHAVIORAL,
        weight=0.3,
        start=1,
        full=2.5,
        measure=_irregularity,
        advice="Plan the coming week together, with a small piece of work on each of three days.",
    ),
)
