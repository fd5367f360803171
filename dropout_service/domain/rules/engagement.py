"""Indicators of decaying effort."""

from dropout_service.domain.enums import DropoutType
from dropout_service.domain.rules.features import Features
from dropout_service.domain.rules.indicators import (
    MARKS_UNKNOWN,
    NO_EVENTS,
    Indicator,
    Measurement,
    Unknown,
    measure_fall,
)
from dropout_service.domain.sentences.sentence import Sentence


def _inactivity(features: Features) -> Measurement | Unknown:
    days = features.days_since_activity
    if days is None:
        return NO_EVENTS
    return Measurement(days, days, Sentence("days_since_activity.days", {"days": days}))


def _days_without_mark(features: Features) -> Measurement | Unknown:
    days = features.days_since_mark
    if features.days_since_activity is not None:
        return Unknown("the learning events tell of activity more closely")
    if features.mark_count is None:
        return MARKS_UNKNOWN
    if days is None:
        return Unknown("there are no marks")
    return Measurement(days, days, Sentence("days_since_mark.days", {"days": days}))


def _effort(features: Features) -> Measurement | Unknown:
    return measure_fall(
        features.events_per_week_recent,
        features.events_per_week_before,
        code="effort_fall.events",
        absent="there were no events in the weeks before",
    )


def _time_spent(features: Features) -> Measurement | Unknown:
    return measure_fall(
        _minutes(features.sessions_per_week_recent, features.session_minutes_recent),
        _minutes(features.sessions_per_week_before, features.session_minutes_before),
        code="session_time_fall.minutes",
        absent="the sessions of the weeks before have no length",
    )


def _minutes(sessions: float | None, length: float | None) -> float | None:
    return None if sessions is None else sessions * (length or 0.0)


INDICATORS = (
    Indicator(
        name="days_since_activity",
        part=DropoutType.ENGAGEMENT,
        weight=0.75,
        start=5,
        full=28,
        measure=_inactivity,
        advice="Call or meet the student this week and ask what keeps them away.",
    ),
    Indicator(
        name="days_since_mark",
        part=DropoutType.ENGAGEMENT,
        weight=0.5,
        start=28,
        full=70,
        measure=_days_without_mark,
        advice="Ask the student this week whether they still work on the course, and agree on the "
        "next piece to hand in.",
    ),
    Indicator(
        name="effort_fall",
        part=DropoutType.ENGAGEMENT,
        weight=0.5,
        start=0.25,
        full=1,
        measure=_effort,
        advice="Talk this week about what has changed since the busier weeks, and agree on two "
        "fixed times to work.",
    ),
    Indicator(
        name="session_time_fall",
        part=DropoutType.ENGAGEMENT,
        weight=0.2,
        start=0.25,
        full=1,
        measure=_time_spent,
        advice="Set one short task for this week that can be finished in a single sitting.",
    ),
)
