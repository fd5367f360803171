"""SQL that opens incidents of sources in trouble, follows their health, and closes incidents."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from monitoring_service.database.health import recent_minutes
from monitoring_service.domain.findings import HealthStatus
from monitoring_service.domain.health import (
    WINDOW_MINUTES,
    health_of,
    health_status,
    minutes_before,
)
from monitoring_service.domain.incidents import (
    LASTING_MINUTES,
    SILENT,
    SOURCE_HEALTH,
    STABLE,
    IncidentState,
    Resolution,
    end_of,
)
from monitoring_service.models import MonitoringIncident, MonitoringLog, WaitingEvent
from shared_db.ids import new_id

_WINDOW = timedelta(minutes=WINDOW_MINUTES)
_IS_OPEN = MonitoringIncident.state != IncidentState.RESOLVED


def follow_health(session: Session, now: datetime) -> None:
    """Store the present severity of open incidents, and open those of sources in trouble.

    A source in trouble that has an open incident of another cause gets no further one, nor one that
    a person declared to be over within the window of health.
    """
    minutes = recent_minutes(session, now)
    severities = health_of(minutes).sources
    before = health_of(minutes_before(minutes, LASTING_MINUTES)).sources
    troubled = {source: each for source, each in severities.items() if _is_trouble(each)}
    incidents = session.scalars(
        select(MonitoringIncident).where(_IS_OPEN).order_by(MonitoringIncident.id).with_for_update()
    ).all()
    for incident in incidents:
        _follow(incident, severities, now)
    handled = {incident.source for incident in incidents}
    lasting = {source for source in troubled if _is_trouble(before.get(source, 0.0))}
    new = sorted(lasting - handled)
    if new:
        resting = _declared_over(session, new, now)
        _open(session, [source for source in new if source not in resting], troubled, now)
    session.flush()


def close_incidents(session: Session, now: datetime, limit: int) -> int:
    """Close open incidents whose trouble is over, at most `limit`; return their number.

    Only after no event waits to be counted: one of them could belong to an open incident.
    """
    is_heard = exists().where(
        MonitoringLog.source == MonitoringIncident.source,
        MonitoringLog.timestamp > MonitoringIncident.last_seen_at,
    )
    query = (
        select(MonitoringIncident, is_heard)
        .where(
            _IS_OPEN,
            MonitoringIncident.last_seen_at <= now - STABLE,
            is_heard | (MonitoringIncident.last_seen_at <= now - SILENT),
        )
        .order_by(MonitoringIncident.id)
        .limit(limit)
        .with_for_update()
    )
    closed = 0
    for incident, heard_since in session.execute(query).all():
        end = end_of(incident.last_seen_at, now, heard_since=heard_since)
        if end is not None:
            incident.resolution, incident.resolved_at = end
            incident.state = IncidentState.RESOLVED
            closed += 1
    session.flush()
    return closed


def _is_trouble(severity: float) -> bool:
    return health_status(severity) is not HealthStatus.NORMAL


def _follow(incident: MonitoringIncident, severities: Mapping[str, float], now: datetime) -> None:
    severity = severities.get(incident.source)
    incident.severity = severity
    if incident.cause == SOURCE_HEALTH and severity is not None and _is_trouble(severity):
        incident.last_seen_at = max(incident.last_seen_at, now)
        incident.worst_severity = max(incident.worst_severity, severity)


def _declared_over(session: Session, sources: Sequence[str], now: datetime) -> set[str]:
    query = select(MonitoringIncident.source).where(
        MonitoringIncident.source.in_(sources),
        MonitoringIncident.resolution == Resolution.PERSON,
        MonitoringIncident.resolved_at > now - _WINDOW,
    )
    return set(session.scalars(query))


def _open(
    session: Session, sources: Sequence[str], severities: Mapping[str, float], now: datetime
) -> None:
    events = _troubled_events(session, sources, now)
    for source in sources:
        count, first = events.get(source, (0, now))
        incident = MonitoringIncident(
            id=new_id(),
            source=source,
            cause=SOURCE_HEALTH,
            cause_values={"minutes": LASTING_MINUTES},
            state=IncidentState.OPEN,
            opened_at=now,
            first_seen_at=first,
            last_seen_at=now,
            event_count=count,
            severity=severities[source],
            worst_severity=severities[source],
        )
        session.add(incident)


def _troubled_events(
    session: Session, sources: Sequence[str], now: datetime
) -> Mapping[str, tuple[int, datetime]]:
    """Return the number and the first instant of the events behind the health, by source.

    Events that still wait are counted when they are grouped.
    """
    query: Any = (
        select(MonitoringLog.source, func.count(), func.min(MonitoringLog.timestamp))
        .outerjoin(WaitingEvent, WaitingEvent.event_id == MonitoringLog.id)
        .where(
            MonitoringLog.source.in_(sources),
            MonitoringLog.status != HealthStatus.NORMAL,
            MonitoringLog.timestamp > now - _WINDOW,
            WaitingEvent.event_id.is_(None),
        )
        .group_by(MonitoringLog.source)
    )
    return {source: (count, first) for source, count, first in session.execute(query)}
