"""Thresholds of metrics: default limits, and limits of a source."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitoring_service.domain.findings import CRITICAL_SEVERITY, WARNING_SEVERITY, Finding

_NUMBERS = (int, float)

# Limits by metric: the lowest warning value and the lowest critical value.
Limits = Mapping[str, tuple[float, float]]

_MANUAL_SUGGESTION = (
    "Look at what this source does when {metric} is high; its limit was set by hand."
)


@dataclass(frozen=True)
class Threshold:
    """Limits of a metric; a value at a limit already exceeds it."""

    metric: str
    warning: float
    critical: float
    unit: str
    suggestion: str

    def __post_init__(self) -> None:
        """Check the order of the limits.

        Raises:
            ValueError: `critical` is not above `warning`.

        """
        if not self.warning < self.critical:
            raise ValueError("the critical limit must be above the warning")

    @property
    def name(self) -> str:
        """The rule's name."""
        return f"{self.metric}_threshold"


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


def with_limits(
    limits: Limits, thresholds: Sequence[Threshold] = THRESHOLDS
) -> tuple[Threshold, ...]:
    """Return the thresholds with these limits, for existing and for new metrics.

    Raises:
        ValueError: a critical limit is not above its warning.

    """
    known = {threshold.metric: threshold for threshold in thresholds}
    for metric, (warning, critical) in limits.items():
        before = known.get(metric)
        unit = before.unit if before else ""
        suggestion = before.suggestion if before else _MANUAL_SUGGESTION.format(metric=metric)
        known[metric] = Threshold(metric, warning, critical, unit, suggestion)
    return tuple(known.values())


def exceeded(data: Mapping[str, Any], thresholds: Sequence[Threshold]) -> Iterator[Finding]:
    """Yield a finding for each metric at or above its warning limit."""
    for threshold in thresholds:
        value = data.get(threshold.metric)
        if value is None or not isinstance(value, _NUMBERS) or isinstance(value, bool):
            continue
        if value >= threshold.warning:
            yield _finding(threshold, value)


def _finding(threshold: Threshold, value: float) -> Finding:
    above = (value - threshold.warning) / (threshold.critical - threshold.warning)
    unit = f" {threshold.unit}" if threshold.unit else ""
    return Finding(
        rule=threshold.name,
        severity=WARNING_SEVERITY + (CRITICAL_SEVERITY - WARNING_SEVERITY) * min(above, 1.0),
        issue=f"{threshold.metric} is {value:g}{unit}, the limit is {threshold.warning:g}{unit}.",
        suggestion=threshold.suggestion,
    )
