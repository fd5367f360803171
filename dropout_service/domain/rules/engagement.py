"""Signs that effort decays."""

from dropout_service.domain.enums import DropoutType
from dropout_service.domain.rules.features import Features
from dropout_service.domain.rules.indicators import NO_EVENTS, Measured, Sign, Unknown, fallen


def _silence(features: Features) -> Measured | Unknown:
    days = features.days_since_activity
    if days is None:
        return NO_EVENTS
    return Measured(days, days, f"No activity for {days:.0f} days.")


def _silence_of_marks(features: Features) -> Measured | Unknown:
    days = features.days_since_mark
    if features.days_since_activity is not None:
        return Unknown("the learning events tell of activity more closely")
    if days is None:
        return Unknown("there are no marks")
    return Measured(days, days, f"Nothing handed in that was marked for {days:.0f} days.")


def _effort(features: Features) -> Measured | Unknown:
    return fallen(
        features.events_per_week_recent,
        features.events_per_week_before,
        what="learning events a week",
        absent="there were no events in the weeks before",
    )


def _time_spent(features: Features) -> Measured | Unknown:
    return fallen(
        _minutes(features.sessions_per_week_recent, features.session_minutes_recent),
        _minutes(features.sessions_per_week_before, features.session_minutes_before),
        what="minutes of sessions a week",
        absent="the sessions of the weeks before have no length",
    )


def _minutes(sessions: float | None, length: float | None) -> float | None:
    return None if sessions is None else sessions * (length or 0.0)


SIGNS = (
    Sign(
        name="days_since_activity",
        part=DropoutType.ENGAGEMENT,
        weight=0.75,
        start=5,
        full=28,
        measure=_silence,
        advice="Call or meet the student this week and ask what keeps them away.",
    ),
    Sign(
        name="days_since_mark",
        part=DropoutType.ENGAGEMENT,
        weight=0.5,
        start=28,
        full=70,
        measure=_silence_of_marks,
        advice="Ask the student this week whether they still work on the course, and agree on the "
        "next piece to hand in.",
    ),
    Sign(
        name="effort_fall",
        part=DropoutType.ENGAGEMENT,
        weight=0.5,
        start=0.25,
        full=1,
        measure=_effort,
        advice="Talk this week about what has changed since the busier weeks, and agree on two "
        "fixed times to work.",
    ),
    Sign(
        name="session_time_fall",
        part=DropoutType.ENGAGEMENT,
        weight=0.2,
        start=0.25,
        full=1,
        measure=_time_spent,
        advice="Set one short task for this week that can be finished in a single sitting.",
    ),
)
