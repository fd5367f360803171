"""Definition of an indicator of trouble: its measurement, its ramp and its weight."""

from collections.abc import Callable
from dataclasses import dataclass

from dropout_service.domain.enums import DropoutType
from dropout_service.domain.rules.features import Features
from dropout_service.domain.sentences.sentence import Sentence


def ramp(value: float, start: float, full: float) -> float:
    """Return 0 up to `start`, 1 from `full` on, and a linear value in between."""
    return min(1.0, max(0.0, (value - start) / (full - start)))


@dataclass(frozen=True)
class Measurement:
    """Measurement of an indicator.

    trouble: the input of the indicator's ramp; higher is worse. value: the figure that staff can
    check against the events. compared_with: the same figure of the student's own weeks before.
    """

    trouble: float
    value: float
    sentence: Sentence
    compared_with: float | None = None


@dataclass(frozen=True)
class Unknown:
    """Reason why an indicator cannot be measured."""

    reason: str


@dataclass(frozen=True)
class Indicator:
    """Indicator of trouble: its dropout type (`part`), weight, ramp, and advice for this week."""

    name: str
    part: DropoutType
    weight: float
    start: float
    full: float
    measure: Callable[[Features], Measurement | Unknown]
    advice: str

    def severity(self, measured: Measurement) -> float:
        """Return the severity, 0 to 1."""
        return ramp(measured.trouble, self.start, self.full)


NO_EVENTS = Unknown("no learning events are known that tell of now; missing is not zero")
SHORT_HISTORY = Unknown(
    "before the last 14 days there are less than two weeks, or fewer than five events"
)

MARKS_UNKNOWN = Unknown("the class has no subjects, so its marks are unknown")
FEW_JUDGED = Unknown(
    "of fewer than three quarters of the answers it is known if they solved their question"
)


def fall(recent: float, before: float) -> float:
    """Return the share by which a figure fell: 0 without a fall, 1 if nothing is left.

    recent: 0 or more. before: more than 0.
    """
    return max(0.0, 1 - recent / before)


def measure_fall(
    recent: float | None, before: float | None, *, code: str, absent: str
) -> Measurement | Unknown:
    """Return the fall of a weekly figure below the student's own weeks before.

    code: of the sentence. absent: the reason if the figure before was 0.
    """
    if recent is None:
        return NO_EVENTS
    if before is None:
        return SHORT_HISTORY
    if before == 0:
        return Unknown(absent)
    sentence = Sentence(code, {"recent": recent, "before": before})
    return Measurement(fall(recent, before), recent, sentence, before)
