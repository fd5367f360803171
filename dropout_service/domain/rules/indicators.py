"""What a sign of trouble is: how it is measured, from where on it counts, and how much."""

from collections.abc import Callable
from dataclasses import dataclass

from dropout_service.domain.enums import DropoutType
from dropout_service.domain.rules.features import Features


def ramp(value: float, start: float, full: float) -> float:
    """Return 0 up to `start`, 1 from `full` on, and in between the share of the way."""
    return min(1.0, max(0.0, (value - start) / (full - start)))


@dataclass(frozen=True)
class Measured:
    """What was seen of a sign.

    trouble: what the sign's ramp judges; more is worse. value and compared_with: what a person can
    check against the events, the latter the student's own weeks before.
    """

    trouble: float
    value: float
    text: str
    compared_with: float | None = None


@dataclass(frozen=True)
class Unknown:
    """Why a sign cannot be judged."""

    reason: str


@dataclass(frozen=True)
class Sign:
    """One sign of trouble: part of which type, its weight, its ramp, and what helps this week."""

    name: str
    part: DropoutType
    weight: float
    start: float
    full: float
    measure: Callable[[Features], Measured | Unknown]
    advice: str

    def severity(self, measured: Measured) -> float:
        """Return how bad it is, 0 to 1."""
        return ramp(measured.trouble, self.start, self.full)


NO_EVENTS = Unknown("no learning events are known that tell of now; missing is not zero")
SHORT_HISTORY = Unknown(
    "before the last 14 days there are less than two weeks, or fewer than five events"
)


def fall(recent: float, before: float) -> float:
    """Return the share by which something fell: 0 when it did not, 1 when nothing is left.

    recent: 0 or more. before: more than 0.
    """
    return max(0.0, 1 - recent / before)


def fallen(
    recent: float | None, before: float | None, *, what: str, absent: str
) -> Measured | Unknown:
    """Measure how far something per week fell below the student's own weeks before."""
    if recent is None:
        return NO_EVENTS
    if before is None:
        return SHORT_HISTORY
    if before == 0:
        return Unknown(absent)
    text = f"{recent:.1f} {what} in the last two weeks, {before:.1f} before."
    return Measured(fall(recent, before), recent, text, before)
