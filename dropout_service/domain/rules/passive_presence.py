"""Signs of those who still come but have stopped learning: presence without output."""

from dropout_service.domain.enums import DropoutType
from dropout_service.domain.rules.features import Features
from dropout_service.domain.rules.indicators import NO_EVENTS, Measured, Sign, Unknown, fallen

# Once a week in two weeks: less is absence, which the signs of engagement judge.
FEWEST_ACTIVE_DAYS_PER_WEEK = 1


def _output(features: Features) -> Measured | Unknown:
    return _while_present(
        features,
        fallen(
            features.answers_per_week_recent,
            features.answers_per_week_before,
            what="questions answered a week",
            absent="no questions were answered in the weeks before",
        ),
    )


def _velocity(features: Features) -> Measured | Unknown:
    return _while_present(
        features,
        fallen(
            _weekly(features.velocity_recent),
            _weekly(features.velocity_before),
            what="questions newly solved a week",
            absent="no questions were solved in the weeks before",
        ),
    )


def _weekly(per_day: float | None) -> float | None:
    return None if per_day is None else 7 * per_day


def _while_present(features: Features, measured: Measured | Unknown) -> Measured | Unknown:
    days = features.active_days_per_week_recent
    if days is None:
        return NO_EVENTS
    if days < FEWEST_ACTIVE_DAYS_PER_WEEK:
        return Unknown("the student was active on fewer than two of the last 14 days")
    if isinstance(measured, Unknown):
        return measured
    text = f"Still active {days:.1f} days a week, but {measured.text}"
    return Measured(measured.trouble, measured.value, text, measured.compared_with)


SIGNS = (
    Sign(
        name="output_fall",
        part=DropoutType.SILENT,
        weight=0.55,
        start=0.25,
        full=1,
        measure=_output,
        advice="Do not trust the log-ins: ask to see this week's work, and start it together.",
    ),
    Sign(
        name="velocity_fall",
        part=DropoutType.SILENT,
        weight=0.35,
        start=0.25,
        full=1,
        measure=_velocity,
        advice="Give one question that can surely be solved, and praise it when it is.",
    ),
)
