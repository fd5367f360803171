"""Metrics that are too high, by default and by source."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitoring_service.domain.findings import CRITICAL_SEVERITY, WARNING_SEVERITY, Finding

_NUMBERS = (int, float)

# Limits by metric: from which value on it is a warning, and from which critical.
Limits = Mapping[str, tuple[float, float]]

_BY_HAND = "Look at what this source does when {metric} is high; its limit was set by hand."


@dataclass(frozen=True)
class Threshold:
    """A metric that is too high from `warning` on, and far too high from `critical` on."""

    metric: str
    warning: float
    critical: float
    unit: str
    suggestion: str

    def __post_init__(self) -> None:
        """Refuse limits between which nothing lies.

        Raises:
            ValueError: `critical` is not above `warning`.

        """
        if not self.warning < self.critical:
            raise ValueError("the critical limit must be above the warning")

    @property
    def name(self) -> str:
        """The rule's name."""
        return f"{self.metric}_threshold"


# Times in milliseconds, usages in percent, rates as shares, as the events give them. For a person
# who waits, the warning is where the thread is lost, the critical half of the 10 s after which
# people turn away (Nielsen 1993, Usability Engineering). Between machines an answer comes on top of
# others, so half of that. From 80 to 85 % of use on, queues grow fast (the M/M/1 queue is 4 to 6
# long there, 19 at 95 %).
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
    """Return the thresholds with other limits for the metrics named, and new metrics added.

    Raises:
        ValueError: a critical limit is not above its warning.

    """
    known = {threshold.metric: threshold for threshold in thresholds}
    for metric, (warning, critical) in limits.items():
        before = known.get(metric)
        unit = before.unit if before else ""
        suggestion = before.suggestion if before else _BY_HAND.format(metric=metric)
        known[metric] = Threshold(metric, warning, critical, unit, suggestion)
    return tuple(known.values())


def exceeded(data: Mapping[str, Any], thresholds: Sequence[Threshold]) -> Iterator[Finding]:
    """Yield a finding for each metric that is at or above its warning."""
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
