"""Rules on one event; each finding names the rule, the issue and a suggestion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitoring_service.domain.contradictions import contradictions
from monitoring_service.domain.findings import Finding, HealthStatus, status_of
from monitoring_service.domain.output_checks import output_findings
from monitoring_service.domain.thresholds import THRESHOLDS, Threshold, exceeded

__all__ = ["THRESHOLDS", "Finding", "HealthStatus", "Threshold", "Verdict", "judge", "status_of"]


@dataclass(frozen=True)
class Verdict:
    """Verdict of the rules on an event; severity 0 without a finding."""

    status: HealthStatus
    severity: float
    findings: tuple[Finding, ...]

    @property
    def reasoning(self) -> str:
        """One sentence per finding, the most severe first."""
        return " ".join(finding.issue for finding in self.findings)


_NO_FINDINGS = Verdict(HealthStatus.NORMAL, 0.0, ())


def judge(data: Mapping[str, Any], thresholds: Sequence[Threshold] = THRESHOLDS) -> Verdict:
    """Return the verdict of the rules on an event's data.

    The event's severity is that of its most severe finding, 0 to 1. A metric has 0.5 at its warning
    threshold, rising linearly to 1 at the critical one; any other rule has a fixed severity. A rule
    ignores absent fields and fields of another type.
    """
    findings = [*exceeded(data, thresholds), *output_findings(data), *contradictions(data)]
    if not findings:
        return _NO_FINDINGS
    findings.sort(key=lambda finding: -finding.severity)
    severity = findings[0].severity
    return Verdict(status_of(severity), severity, tuple(findings))
