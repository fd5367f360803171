"""Finding of a rule, and its severity as a status."""

from dataclasses import dataclass
from enum import StrEnum

WARNING_SEVERITY = 0.5
CRITICAL_SEVERITY = 1.0


class HealthStatus(StrEnum):
    """Status of an event, a source, or all systems."""

    NORMAL = "NORMAL"
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"


@dataclass(frozen=True)
class Finding:
    """Rule that an event failed; severity: 0.5 (just a warning) to 1 (critical)."""

    rule: str
    severity: float
    issue: str
    suggestion: str


def status_of(severity: float) -> HealthStatus:
    """Return CRITICAL at 1, WARNING from 0.5 on, NORMAL below.

    severity: 0 to 1.
    """
    if severity >= CRITICAL_SEVERITY:
        return HealthStatus.CRITICAL
    return HealthStatus.WARNING if severity >= WARNING_SEVERITY else HealthStatus.NORMAL
