"""Incidents: events of one source and cause, grouped; opening, counting and closing.

An incident opens after several troubled events and closes after a stable time, so a source that
changes between good and bad is one incident and not many.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from monitoring_service.domain.findings import HealthStatus

# Codes of causes. A cause is an open code: later ones are added without a change of tables.
CRITICAL_EVENTS = "critical_events"
SOURCE_HEALTH = "source_health"

# An incident of critical events opens when 3 of 5 successive events of a source are CRITICAL.
OPENING_EVENTS = 3
LATEST_EVENTS = 5
# It closes when the source was heard for 30 minutes without trouble.
STABLE = timedelta(minutes=30)
# A source that is not heard at all may still be broken; its incident closes after a day.
SILENT = timedelta(hours=24)
# A source whose health is bad must have been so five minutes before.
LASTING_MINUTES = 5


class IncidentState(StrEnum):
    """State of an incident."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Resolution(StrEnum):
    """Reason of the end: heard without trouble, not heard any more, or decided by a person."""

    STABLE = "stable"
    SILENT = "silent"
    PERSON = "person"


@dataclass(frozen=True)
class SeenEvent:
    """Judged event of a source; is_waiting: True if a later batch counts it."""

    id: str
    at: datetime
    status: HealthStatus
    severity: float
    is_waiting: bool = False


@dataclass(frozen=True)
class IncidentSpan:
    """Time and events of an incident; id: None for a new one. severity: the worst one."""

    id: str | None
    first_seen_at: datetime
    last_seen_at: datetime
    event_count: int
    severity: float
    resolved_at: datetime | None = None
    resolution: Resolution | None = None

    def covers(self, at: datetime) -> bool:
        """Return True if an event of this instant belongs to the incident, also if it is late."""
        is_before_end = self.resolved_at is None or at <= self.resolved_at
        return is_before_end and at >= self.first_seen_at - STABLE

    def counting(self, event: SeenEvent, now: datetime) -> "IncidentSpan":
        """Return the incident with a further event."""
        last = max(self.last_seen_at, event.at)
        ends = self.resolved_at
        if self.resolution is Resolution.STABLE:
            ends = min(now, last + STABLE)
        return replace(
            self,
            first_seen_at=min(self.first_seen_at, event.at),
            last_seen_at=last,
            event_count=self.event_count + 1,
            severity=max(self.severity, event.severity),
            resolved_at=ends,
        )


# The events of the source around this one, in their order: itself, and at most `LATEST_EVENTS - 1`
# on each side.
Neighbours = Callable[[SeenEvent], Sequence[SeenEvent]]


def is_behind(cause: str, status: HealthStatus) -> bool:
    """Return True if events of the status are counted in incidents of the cause."""
    if cause == CRITICAL_EVENTS:
        return status is HealthStatus.CRITICAL
    return cause == SOURCE_HEALTH and status is not HealthStatus.NORMAL


def group(
    events: Iterable[SeenEvent],
    spans: Sequence[IncidentSpan],
    now: datetime,
    neighbours: Neighbours | None = None,
    closed_at: datetime | None = None,
) -> list[IncidentSpan]:
    """Return the incidents of one source and cause, with these events, and the new ones.

    events: those behind the cause, each once. spans: the incidents that may cover one of them.
    neighbours: opens new incidents; without it events are only counted. closed_at: the end of the
    last incident that is not among `spans`.
    """
    found = list(spans)
    ordered = sorted(events, key=lambda one: (one.at, one.id))
    left = {one.id for one in ordered}
    for event in ordered:
        left.remove(event.id)
        place = _covering(found, event.at)
        if place is not None:
            found[place] = found[place].counting(event, now)
        elif neighbours is not None:
            after = _last_end(found, event.at, closed_at)
            free = [one for one in neighbours(event) if _covering(found, one.at) is None]
            around = [
                replace(one, is_waiting=one.is_waiting or one.id in left)
                for one in free
                if after is None or one.at > after
            ]
            behind = _opening(around)
            if behind:
                found.append(_opened(behind, found, now))
    return found


def end_of(
    last_seen_at: datetime, now: datetime, *, heard_since: bool
) -> tuple[Resolution, datetime] | None:
    """Return the reason and the instant of an incident's end; None if it is not over.

    heard_since: True if a later event of the source came, of whatever status.
    """
    if heard_since and last_seen_at + STABLE <= now:
        return Resolution.STABLE, last_seen_at + STABLE
    if last_seen_at + SILENT <= now:
        return Resolution.SILENT, last_seen_at + SILENT
    return None


def _covering(spans: Sequence[IncidentSpan], at: datetime) -> int | None:
    places = [place for place, span in enumerate(spans) if span.covers(at)]
    return max(places, key=lambda place: spans[place].first_seen_at, default=None)


def _last_end(
    spans: Sequence[IncidentSpan], at: datetime, closed_at: datetime | None
) -> datetime | None:
    ends = [span.resolved_at for span in spans if span.resolved_at and span.resolved_at < at]
    return max([*ends, *([closed_at] if closed_at else [])], default=None)


def _opening(around: Sequence[SeenEvent]) -> list[SeenEvent]:
    """Return the events that open an incident; empty if they are too few.

    Events come in any order, so each is looked at in every run of `LATEST_EVENTS` that contains it,
    also in those that end with a later event.
    """
    behind: dict[str, SeenEvent] = {}
    for start in range(max(1, len(around) - LATEST_EVENTS + 1)):
        run = around[start : start + LATEST_EVENTS]
        found = [
            one for one in run if is_behind(CRITICAL_EVENTS, one.status) and not one.is_waiting
        ]
        if len(found) >= OPENING_EVENTS:
            behind |= {one.id: one for one in found}
    return list(behind.values())


def _opened(
    behind: Sequence[SeenEvent], spans: Sequence[IncidentSpan], now: datetime
) -> IncidentSpan:
    last = max(one.at for one in behind)
    opened = IncidentSpan(
        id=None,
        first_seen_at=min(one.at for one in behind),
        last_seen_at=last,
        event_count=len(behind),
        severity=max(one.severity for one in behind),
    )
    if all(span.resolved_at is not None for span in spans):
        return opened
    # Late events from before the incident that is open now: theirs is over.
    return replace(opened, resolved_at=min(now, last + STABLE), resolution=Resolution.STABLE)
