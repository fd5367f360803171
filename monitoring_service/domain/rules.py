"""Rules that judge one event: each has a name, and says what it saw and what to look at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

WARNING_SEVERITY = 0.5
CRITICAL_SEVERITY = 1.0


class HealthStatus(StrEnum):
    """How bad it is."""

    NORMAL = "NORMAL"
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"


@dataclass(frozen=True)
class Threshold:
    """A metric that is too high from `warning` on, and far too high from `critical` on."""

    metric: str
    warning: float
    critical: float
    unit: str
    suggestion: str

    @property
    def name(self) -> str:
        """The rule's name."""
        return f"{self.metric}_threshold"


# Times in milliseconds, as the events give them; rates are shares. The warning for times is where
# a person loses the thread (Nielsen 1993, Usability Engineering: 1 s), the critical half of the
# 10 s after which they turn away.
THRESHOLDS = (
    Threshold("response_time", 1000, 5000, "ms", "Look at slow queries and at what it waits for."),
    Threshold("error_rate", 0.05, 0.2, "", "Look at the errors of the last minutes by component."),
)


@dataclass(frozen=True)
class Finding:
    """One rule that an event failed; severity 0.5 (at its warning) to 1 (critical and above)."""

    rule: str
    severity: float
    issue: str
    suggestion: str


@dataclass(frozen=True)
class Verdict:
    """What the rules say of an event; severity 0 when none failed."""

    status: HealthStatus
    severity: float
    findings: tuple[Finding, ...]

    @property
    def reasoning(self) -> str:
        """One sentence per finding, the gravest first."""
        return " ".join(finding.issue for finding in self.findings)


def judge(data: Mapping[str, Any], thresholds: Sequence[Threshold] = THRESHOLDS) -> Verdict:
    """Return what the rules say of an event's data.

    The event's severity is its gravest finding's: 0.5 at a warning threshold, rising linearly to 1
    at the critical one. A metric that is absent or no number is not judged.
    """
    findings = [f for threshold in thresholds if (f := _finding(threshold, data)) is not None]
    findings.sort(key=lambda finding: -finding.severity)
    severity = findings[0].severity if findings else 0.0
    return Verdict(status_of(severity), severity, tuple(findings))


def status_of(severity: float) -> HealthStatus:
    """Return CRITICAL at 1, WARNING from 0.5 on, NORMAL below.

    severity: 0 to 1.
    """
    if severity >= CRITICAL_SEVERITY:
        return HealthStatus.CRITICAL
    return HealthStatus.WARNING if severity >= WARNING_SEVERITY else HealthStatus.NORMAL


def _finding(threshold: Threshold, data: Mapping[str, Any]) -> Finding | None:
    value = data.get(threshold.metric)
    if not isinstance(value, int | float) or isinstance(value, bool) or value < threshold.warning:
        return None
    above = (value - threshold.warning) / (threshold.critical - threshold.warning)
    unit = f" {threshold.unit}" if threshold.unit else ""
    return Finding(
        rule=threshold.name,
        severity=WARNING_SEVERITY + (CRITICAL_SEVERITY - WARNING_SEVERITY) * min(above, 1.0),
        issue=f"{threshold.metric} is {value:g}{unit}, the limit is {threshold.warning:g}{unit}.",
        suggestion=threshold.suggestion,
    )
