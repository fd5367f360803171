"""Health of the systems: each source from its recent minutes, the whole from its worst source."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from monitoring_service.domain.findings import HealthStatus

WINDOW_MINUTES = 30
HALF_LIFE_MINUTES = 5.0
PRIOR_MINUTES = 1.0
WARNING_FROM = 0.25
CRITICAL_FROM = 0.6

NO_RECENT_EVENTS = f"no event in the last {WINDOW_MINUTES} minutes"


@dataclass(frozen=True)
class SourceMinute:
    """Events of one source in one minute: number by status, and sum of the severities."""

    source: str
    age_minutes: float
    counts: Mapping[HealthStatus, int]
    severity_sum: float

    @property
    def total(self) -> int:
        """Number of events."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class Health:
    """Health of the systems; status and severity are None without a recent event."""

    status: HealthStatus | None
    severity: float | None
    counts: Mapping[HealthStatus, int]
    sources: Mapping[str, float]
    missing_because: str | None

    def status_of_source(self, source: str) -> HealthStatus | None:
        """Return the status of a source, or None without an event within the window."""
        severity = self.sources.get(source)
        return None if severity is None else health_status(severity)


def health_status(severity: float) -> HealthStatus:
    """Return CRITICAL from 0.6 on, WARNING from 0.25 on, NORMAL below.

    severity: of a source or of all systems, 0 to 1. The status of a single event has other limits.
    """
    if severity >= CRITICAL_FROM:
        return HealthStatus.CRITICAL
    return HealthStatus.WARNING if severity >= WARNING_FROM else HealthStatus.NORMAL


def health_of(minutes: Iterable[SourceMinute]) -> Health:
    """Return the health from the minutes of the last `WINDOW_MINUTES`.

    A source's severity is the weighted mean over its minutes of the mean severity of their events.
    A minute weighs 2^(-age / 5). One normal minute of full weight is always added, so that a few
    events have little influence. The severity of all systems is that of the worst source.
    """
    by_source: dict[str, list[SourceMinute]] = defaultdict(list)
    counts = dict.fromkeys(HealthStatus, 0)
    for minute in minutes:
        if minute.total and minute.age_minutes <= WINDOW_MINUTES:
            by_source[minute.source].append(minute)
            for status, count in minute.counts.items():
                counts[status] += count
    sources = {source: _severity(of_source) for source, of_source in by_source.items()}
    if not sources:
        return Health(None, None, counts, sources, NO_RECENT_EVENTS)
    worst = max(sources.values())
    return Health(health_status(worst), worst, counts, sources, None)


def minutes_before(minutes: Iterable[SourceMinute], ago_minutes: int) -> list[SourceMinute]:
    """Return the minutes as they were known so long ago."""
    return [
        replace(minute, age_minutes=minute.age_minutes - ago_minutes)
        for minute in minutes
        if minute.age_minutes >= ago_minutes
    ]


def _severity(minutes: Iterable[SourceMinute]) -> float:
    weighted, weights = 0.0, PRIOR_MINUTES
    for minute in minutes:
        weight = 2 ** (-max(minute.age_minutes, 0.0) / HALF_LIFE_MINUTES)
        weighted += weight * minute.severity_sum / minute.total
        weights += weight
    return min(weighted / weights, 1.0)
