"""Learning momentum index: the present learning activity compared with the earlier one."""

from dataclasses import dataclass
from enum import StrEnum

from dropout_service.domain.rules.cognition import MIN_GRADED, MIN_MARKS
from dropout_service.domain.rules.features import Features
from dropout_service.domain.rules.indicators import fall, ramp

HEALTHY_ABOVE = 70
DROPOUT_BELOW = 40
MIN_COMPONENTS = 2

_RECENCY_FROM, _RECENCY_UNTIL = 3, 28
_UNDERSTANDING_FROM, _UNDERSTANDING_UNTIL = 0.2, 0.7

RECENCY, EFFORT, RHYTHM, OUTPUT, UNDERSTANDING = 0.3, 0.25, 0.15, 0.15, 0.15


class MomentumState(StrEnum):
    """State of a momentum index."""

    HEALTHY = "healthy"
    AT_RISK = "at_risk"
    DROPOUT_TRAJECTORY = "dropout_trajectory"


@dataclass(frozen=True)
class Component:
    """Component of the index: its weight, and its value from 0 (bad) to 1 (good)."""

    name: str
    weight: float
    value: float


def momentum_index(features: Features) -> float | None:
    """Return the learning momentum index, 0 to 100, or None with fewer than two components.

    100 x the weighted mean of the components with data: recency 0.30, effort 0.25, rhythm 0.15,
    output 0.15 and understanding 0.15.
    """
    known = components(features)
    if len(known) < MIN_COMPONENTS:
        return None
    weight = sum(component.weight for component in known)
    mean = sum(component.weight * component.value for component in known) / weight
    return 100 * min(1.0, max(0.0, mean))


def momentum_state(index: float) -> MomentumState:
    """Return the state: healthy above 70, at risk from 40 to 70, dropout trajectory below 40."""
    if index > HEALTHY_ABOVE:
        return MomentumState.HEALTHY
    return MomentumState.AT_RISK if index >= DROPOUT_BELOW else MomentumState.DROPOUT_TRAJECTORY


def components(features: Features) -> list[Component]:
    """Return the components with data."""
    found = {
        ("recency", RECENCY): _recency(features.days_since_activity),
        ("effort", EFFORT): _kept_up(
            features.events_per_week_recent, features.events_per_week_before
        ),
        ("rhythm", RHYTHM): _kept_up(
            features.active_days_per_week_recent, features.active_days_per_week_before
        ),
        ("output", OUTPUT): _kept_up(
            features.answers_per_week_recent, features.answers_per_week_before
        ),
        ("understanding", UNDERSTANDING): _understanding(features),
    }
    return [
        Component(name, weight, value)
        for (name, weight), value in found.items()
        if value is not None
    ]


def _recency(days: float | None) -> float | None:
    return None if days is None else 1 - ramp(days, _RECENCY_FROM, _RECENCY_UNTIL)


def _kept_up(recent: float | None, before: float | None) -> float | None:
    if recent is None or not before:
        return None
    return 1 - fall(recent, before)


def _understanding(features: Features) -> float | None:
    shares = []
    if features.success_share_recent is not None and features.graded_recent >= MIN_GRADED:
        shares.append(features.success_share_recent)
    if features.mark_share_recent is not None and (features.mark_count or 0) >= MIN_MARKS:
        shares.append(features.mark_share_recent)
    if not shares:
        return None
    return ramp(sum(shares) / len(shares), _UNDERSTANDING_FROM, _UNDERSTANDING_UNTIL)
