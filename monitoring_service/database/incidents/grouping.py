"""SQL that counts waiting events in incidents, and opens incidents; one batch a transaction."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import func, or_, select, tuple_
from sqlalchemy.orm import Session

from monitoring_service.database.incidents.queue import take_events
from monitoring_service.domain.findings import HealthStatus
from monitoring_service.domain.incidents import (
    CRITICAL_EVENTS,
    LATEST_EVENTS,
    OPENING_EVENTS,
    SOURCE_HEALTH,
    STABLE,
    IncidentSpan,
    IncidentState,
    SeenEvent,
    group,
    is_behind,
)
from monitoring_service.models import MonitoringIncident, MonitoringLog, WaitingEvent
from shared_db.ids import new_id

_CAUSES = (CRITICAL_EVENTS, SOURCE_HEALTH)

# Events of a batch by their source.
_Events = Mapping[str, Sequence[SeenEvent]]


def group_batch(session: Session, now: datetime, limit: int) -> int:
    """Group the waiting events, at most `limit`; return their number.

    They leave the queue in the same transaction, so each is counted once, whenever the process
    ends.
    """
    taken, events = _take(session, limit)
    if not events:
        return taken
    at = [one.at for each in events.values() for one in each]
    stored = _incidents(session, list(events), min(at), max(at))
    ends = _last_ends(session, list(events), min(at))
    for source, of_source in events.items():
        for cause in _CAUSES:
            behind = [one for one in of_source if is_behind(cause, one.status)]
            known = stored[source, cause]
            opens = partial(_neighbours, session, source) if cause == CRITICAL_EVENTS else None
            spans = [span_of(one) for one in known]
            grouped = group(behind, spans, now, opens, ends.get((source, cause)))
            for incident, span in zip(known, grouped, strict=False):
                _apply(incident, span)
            for span in grouped[len(known) :]:
                session.add(_new(source, span, now))
    session.flush()
    return taken


def span_of(incident: MonitoringIncident) -> IncidentSpan:
    """Return the time and the events of a stored incident."""
    return IncidentSpan(
        id=incident.id,
        first_seen_at=incident.first_seen_at,
        last_seen_at=incident.last_seen_at,
        event_count=incident.event_count,
        severity=incident.worst_severity,
        resolved_at=incident.resolved_at,
        resolution=incident.resolution,
    )


def _take(session: Session, limit: int) -> tuple[int, _Events]:
    """Take waiting events; return their number, and those that are still stored, by source."""
    taken = take_events(session, limit)
    query = select(*_COLUMNS, MonitoringLog.source).where(
        MonitoringLog.id.in_([one.event_id for one in taken]),
        # No index of the events has their ids.
        MonitoringLog.timestamp.in_([one.timestamp for one in taken]),
    )
    found: dict[str, list[SeenEvent]] = defaultdict(list)
    if taken:
        for row in session.execute(query):
            found[row.source].append(SeenEvent(*row[:-1]))
    return len(taken), found


_COLUMNS = (
    MonitoringLog.id,
    MonitoringLog.timestamp,
    MonitoringLog.status,
    MonitoringLog.severity,
)


def _incidents(
    session: Session, sources: Sequence[str], first: datetime, last: datetime
) -> Mapping[tuple[str, str], list[MonitoringIncident]]:
    """Return the incidents that may cover events of these sources and times, locked."""
    query = (
        select(MonitoringIncident)
        .where(
            MonitoringIncident.source.in_(sources),
            MonitoringIncident.cause.in_(_CAUSES),
            or_(
                MonitoringIncident.resolved_at.is_(None),
                (MonitoringIncident.resolved_at >= first)
                & (MonitoringIncident.first_seen_at <= last + STABLE),
            ),
        )
        .order_by(MonitoringIncident.id)
        .with_for_update()
    )
    found: dict[tuple[str, str], list[MonitoringIncident]] = defaultdict(list)
    for incident in session.scalars(query):
        found[incident.source, incident.cause].append(incident)
    return found


def _last_ends(
    session: Session, sources: Sequence[str], before: datetime
) -> Mapping[tuple[str, str], datetime]:
    """Return the last end of an incident before an instant, by source and cause."""
    place = (MonitoringIncident.source, MonitoringIncident.cause)
    query = (
        select(*place, func.max(MonitoringIncident.resolved_at))
        .where(MonitoringIncident.source.in_(sources), MonitoringIncident.resolved_at < before)
        .group_by(*place)
    )
    return {(source, cause): end for source, cause, end in session.execute(query) if end}


def _neighbours(session: Session, source: str, event: SeenEvent) -> list[SeenEvent]:
    """Return the events of the source around this one, in their order.

    Two reads of the index of sources: one of both sides would read all events of the source.
    """
    place = tuple_(MonitoringLog.timestamp, MonitoringLog.id)
    here = tuple_(event.at, event.id)
    query = select(*_COLUMNS).where(MonitoringLog.source == source).limit(LATEST_EVENTS - 1)
    # The bounds of the instants alone are those of the index.
    before = query.where(place < here, MonitoringLog.timestamp <= event.at)
    before = before.order_by(MonitoringLog.timestamp.desc(), MonitoringLog.id.desc())
    after = query.where(place > here, MonitoringLog.timestamp >= event.at)
    after = after.order_by(MonitoringLog.timestamp, MonitoringLog.id)
    earlier = [SeenEvent(*row) for row in session.execute(before)]
    later = [SeenEvent(*row) for row in session.execute(after)]
    found = [*reversed(earlier), event, *later]
    troubled = [one.id for one in found if one.status is not HealthStatus.NORMAL]
    queued = select(WaitingEvent.event_id).where(WaitingEvent.event_id.in_(troubled))
    waiting = set(session.scalars(queued))
    return [replace(one, is_waiting=one.id in waiting) for one in found]


def _apply(incident: MonitoringIncident, span: IncidentSpan) -> None:
    incident.first_seen_at = span.first_seen_at
    incident.last_seen_at = span.last_seen_at
    incident.event_count = span.event_count
    incident.resolved_at = span.resolved_at
    if incident.cause == CRITICAL_EVENTS:  # of other causes it is that of the source's health
        incident.worst_severity = span.severity


def _new(source: str, span: IncidentSpan, now: datetime) -> MonitoringIncident:
    is_over = span.resolved_at is not None
    return MonitoringIncident(
        id=new_id(),
        source=source,
        cause=CRITICAL_EVENTS,
        cause_values=_values(),
        state=IncidentState.RESOLVED if is_over else IncidentState.OPEN,
        opened_at=now,
        first_seen_at=span.first_seen_at,
        last_seen_at=span.last_seen_at,
        event_count=span.event_count,
        worst_severity=span.severity,
        resolved_at=span.resolved_at,
        resolution=span.resolution,
    )


def _values() -> dict[str, Any]:
    return {"events": OPENING_EVENTS, "latest": LATEST_EVENTS}
