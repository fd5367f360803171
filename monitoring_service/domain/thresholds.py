"""Thresholds of metrics: default limits, and limits of a source."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from monitoring_service.domain.findings import CRITICAL_SEVERITY, WARNING_SEVERITY, Finding

_NUMBERS = (int, float)

# Limits by metric: the first warning value and the first critical value. With a critical limit
# below the warning, lower values are worse.
Limits = Mapping[str, tuple[float, float]]

_MANUAL_SUGGESTION = (
    "Look at what this source does when {metric} is {extreme}; its limit was set by hand."
)


@dataclass(frozen=True)
class Threshold:
    """Limits of a metric; a value at a limit already exceeds it.

    Higher values are worse if `critical` is above `warning`, lower ones if it is below.
    """

    metric: str
    warning: float
    critical: float
    unit: str
    suggestion: str

    def __post_init__(self) -> None:
        """Check that the limits differ.

        Raises:
            ValueError: they are equal, or one is not a number.

        """
        if not (self.warning < self.critical or self.critical < self.warning):
            raise ValueError("the critical limit must be above the warning, or below it")

    @property
    def name(self) -> str:
        """The rule's name."""
        return f"{self.metric}_threshold"

    @property
    def is_lower_worse(self) -> bool:
        """Return True if low values of the metric are the bad ones."""
        return self.critical < self.warning

    def is_exceeded_by(self, value: float) -> bool:
        """Return True if the value is at the warning limit or worse."""
        return value <= self.warning if self.is_lower_worse else value >= self.warning

    def share_of(self, value: float) -> float:
        """Return the place of an exceeding value between the limits: 0 at the warning, at most 1.

        The place is 1 at the critical limit.
        """
        span = self.critical - self.warning
        if isfinite(span):
            return min((value - self.warning) / span, 1.0)
        # Limits so far apart that their difference overflows; their halves do not.
        return min((value / 2 - self.warning / 2) / (self.critical / 2 - self.warning / 2), 1.0)


# Times in milliseconds, usages in percent, rates as shares, as in the events. `response_time` is
# for a waiting person: after 1 s the flow of thought is interrupted, and 5 s is half of the 10 s
# after which attention is lost (Nielsen 1993, Usability Engineering). `latency` is between machines
# and adds up with other calls, so its limits are half of that. From a usage of 80 to 85 % on,
# queues grow fast (the length of an M/M/1 queue is 4 to 6 there, and 19 at 95 %).
THRESHOLDS = (
    Threshold("response_time", 1000, 5000, "ms", "Look at slow queries and at what it waits for."),
    Threshold("latency", 500, 2500, "ms", "Look at the network and at the service that answers."),
    Threshold("cpu_usage", 80, 95, "%", "Look at what uses the processor, or give it more."),
    Threshold("memory_usage", 85, 95, "%", "Look for a leak, or give it more memory."),
    Threshold("error_rate", 0.05, 0.2, "", "Look at the errors of the last minutes by component."),
)


_DEFAULTS = {threshold.metric: threshold for threshold in THRESHOLDS}


def check_limits(limits: Limits) -> None:
    """Check limits that were set for a source.

    Raises:
        ValueError: the limits of a metric are equal, or those of a default one are exchanged.

    """
    for metric, (warning, critical) in limits.items():
        if metric in _DEFAULTS and critical <= warning:
            raise ValueError(
                f"{metric}: critical must be above warning, because higher values are worse"
            )
        if not (warning < critical or critical < warning):
            raise ValueError(
                f"{metric}: critical must be above warning if higher values are worse, below it if "
                "lower ones are"
            )


def with_limits(
    limits: Limits, thresholds: Sequence[Threshold] = THRESHOLDS
) -> tuple[Threshold, ...]:
    """Return the thresholds with these limits, for existing and for new metrics.

    Raises:
        ValueError: see `check_limits`.

    """
    check_limits(limits)
    known = {threshold.metric: threshold for threshold in thresholds}
    for metric, (warning, critical) in limits.items():
        before = known.get(metric)
        extreme = "low" if critical < warning else "high"
        unit = before.unit if before else ""
        manual = _MANUAL_SUGGESTION.format(metric=metric, extreme=extreme)
        suggestion = before.suggestion if before else manual
        known[metric] = Threshold(metric, warning, critical, unit, suggestion)
    return tuple(known.values())


def exceeded(data: Mapping[str, Any], thresholds: Sequence[Threshold]) -> Iterator[Finding]:
    """Yield a finding for each metric at its warning limit or worse."""
    for threshold in thresholds:
        value = data.get(threshold.metric)
        if value is None or not isinstance(value, _NUMBERS) or isinstance(value, bool):
            continue
        if threshold.is_exceeded_by(value):
            yield _finding(threshold, value)


def _finding(threshold: Threshold, value: float) -> Finding:
    share = threshold.share_of(value)
    unit = f" {threshold.unit}" if threshold.unit else ""
    return Finding(
        rule=threshold.name,
        severity=WARNING_SEVERITY + (CRITICAL_SEVERITY - WARNING_SEVERITY) * share,
        issue=f"{threshold.metric} is {value:g}{unit}, the limit is {threshold.warning:g}{unit}.",
        suggestion=threshold.suggestion,
    )
