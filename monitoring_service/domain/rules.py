"""Rules that judge one event: each has a name, and says what it saw and what to look at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitoring_service.domain.contradictions import contradictions
from monitoring_service.domain.findings import Finding, HealthStatus, status_of
from monitoring_service.domain.output_checks import broken_outputs
from monitoring_service.domain.thresholds import THRESHOLDS, Threshold, exceeded

__all__ = ["THRESHOLDS", "Finding", "HealthStatus", "Threshold", "Verdict", "judge", "status_of"]


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


_NOTHING = Verdict(HealthStatus.NORMAL, 0.0, ())


def judge(data: Mapping[str, Any], thresholds: Sequence[Threshold] = THRESHOLDS) -> Verdict:
    """Return what the rules say of an event's data.

    The event's severity is its gravest finding's, 0 to 1: of a metric 0.5 at its warning threshold,
    rising linearly to 1 at the critical one; of any other rule its weight. What is absent, or of
    another type than a rule reads, is not judged by it.
    """
    findings = [*exceeded(data, thresholds), *broken_outputs(data), *contradictions(data)]
    if not findings:
        return _NOTHING
    findings.sort(key=lambda finding: -finding.severity)
    severity = findings[0].severity
    return Verdict(status_of(severity), severity, tuple(findings))
