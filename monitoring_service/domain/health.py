"""How the systems are now: each source by its recent minutes, all of them by the worst."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from monitoring_service.domain.findings import HealthStatus

WINDOW_MINUTES = 30
HALF_LIFE_MINUTES = 5.0
PRIOR_MINUTES = 1.0
WARNING_FROM = 0.25
CRITICAL_FROM = 0.6

NOTHING_HEARD = f"no event in the last {WINDOW_MINUTES} minutes"


@dataclass(frozen=True)
class SourceMinute:
    """The events of one source in one minute: how many per status, and their severities' sum."""

    source: str
    age_minutes: float
    counts: Mapping[HealthStatus, int]
    severity_sum: float

    @property
    def total(self) -> int:
        """How many events there are."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class Health:
    """How the systems are; status and severity are None when no event was heard."""

    status: HealthStatus | None
    severity: float | None
    counts: Mapping[HealthStatus, int]
    sources: Mapping[str, float]
    missing_because: str | None

    def status_of_source(self, source: str) -> HealthStatus | None:
        """Return how one source is, None when it was not heard within the window."""
        severity = self.sources.get(source)
        return None if severity is None else health_status(severity)


def health_status(severity: float) -> HealthStatus:
    """Return CRITICAL from 0.6 on, WARNING from 0.25 on, NORMAL below.

    severity: that of a source or of all, 0 to 1; an event's own has other limits.
    """
    if severity >= CRITICAL_FROM:
        return HealthStatus.CRITICAL
    return HealthStatus.WARNING if severity >= WARNING_FROM else HealthStatus.NORMAL


def health_of(minutes: Iterable[SourceMinute]) -> Health:
    """Return the health that the minutes of the last `WINDOW_MINUTES` add up to.

    A source's severity is the weighted mean over its minutes of the mean severity of the events in
    each; a minute weighs 2^(-age / 5), and one normal minute of full weight is always added, so
    that little evidence says little. All together are as bad as the worst source.
    """
    by_source: dict[str, list[SourceMinute]] = defaultdict(list)
    counts = dict.fromkeys(HealthStatus, 0)
    for minute in minutes:
        if minute.total and minute.age_minutes <= WINDOW_MINUTES:
            by_source[minute.source].append(minute)
            for status, count in minute.counts.items():
                counts[status] += count
    sources = {source: _severity(heard) for source, heard in by_source.items()}
    if not sources:
        return Health(None, None, counts, sources, NOTHING_HEARD)
    worst = max(sources.values())
    return Health(health_status(worst), worst, counts, sources, None)


def _severity(minutes: Iterable[SourceMinute]) -> float:
    trouble, weights = 0.0, PRIOR_MINUTES
    for minute in minutes:
        weight = 2 ** (-max(minute.age_minutes, 0.0) / HALF_LIFE_MINUTES)
        trouble += weight * minute.severity_sum / minute.total
        weights += weight
    return min(trouble / weights, 1.0)
