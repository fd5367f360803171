"""Incidents as requests read and handle them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Unpack

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from monitoring_service.domain.findings import HealthStatus
from monitoring_service.domain.incidents import (
    CRITICAL_EVENTS,
    SOURCE_HEALTH,
    IncidentState,
    Resolution,
    is_behind,
)
from monitoring_service.errors import IncidentNoteExists, IncidentNotFound, IncidentOver
from monitoring_service.models import IncidentNote, MonitoringIncident, MonitoringLog
from shared_db.clock import utc_now
from shared_db.ids import new_id
from shared_db.queries.filters import Columns
from shared_db.queries.pagination import Keyset, Page, PageOptions
from shared_db.repository import Repository
from shared_db.writes.idempotent_insert import content_digest, insert_idempotent

MOST_NOTES = 200
MOST_EVENTS = 20
_INCIDENTS = Keyset(
    "incidents", (MonitoringIncident.opened_at, MonitoringIncident.id), is_descending=True
)
_COLUMNS: Columns = {
    name: getattr(MonitoringIncident, name)
    for name in (
        "source",
        "cause",
        "state",
        "severity",
        "worst_severity",
        "opened_at",
        "last_seen_at",
        "event_count",
    )
}


@dataclass(frozen=True)
class IncidentDetails:
    """Incident with its notes, the first ones first, and the latest events behind it."""

    incident: MonitoringIncident
    notes: Sequence[IncidentNote]
    events: Sequence[MonitoringLog]


class IncidentRepository(Repository):
    """Incidents and their notes."""

    def search(self, **options: Unpack[PageOptions]) -> Page[MonitoringIncident]:
        """Return a page of incidents, the latest opened first.

        Raises:
            ServiceError: as `Repository.page`.

        """
        return self.page(_INCIDENTS, select(MonitoringIncident), _COLUMNS, **options)

    def get(self, incident_id: str) -> IncidentDetails:
        """Return an incident with notes and events.

        Raises:
            IncidentNotFound: no incident has that id.

        """
        return self.read_snapshot(partial(_details, incident_id=incident_id))

    def acknowledge(
        self, incident_id: str, actor: str, now: datetime | None = None
    ) -> MonitoringIncident:
        """Note that the actor takes care of the incident; the first one stays.

        Raises:
            IncidentNotFound: no incident has that id.
            IncidentOver: it is resolved and was never acknowledged.

        """

        def change(session: Session) -> MonitoringIncident:
            incident = _locked(session, incident_id)
            incident.is_replay = incident.acknowledged_at is not None
            if incident.is_replay:
                return incident
            if incident.state is IncidentState.RESOLVED:
                raise IncidentOver(incident_id)
            incident.state = IncidentState.ACKNOWLEDGED
            incident.acknowledged_at, incident.acknowledged_by = now or utc_now(), actor
            return incident

        return self.write(change)

    def resolve(
        self, incident_id: str, actor: str, now: datetime | None = None
    ) -> MonitoringIncident:
        """Note that the actor declares the incident to be over; an earlier end stays.

        Raises:
            IncidentNotFound: no incident has that id.

        """

        def change(session: Session) -> MonitoringIncident:
            incident = _locked(session, incident_id)
            incident.is_replay = incident.state is IncidentState.RESOLVED
            if not incident.is_replay:
                incident.state, incident.resolution = IncidentState.RESOLVED, Resolution.PERSON
                incident.resolved_at, incident.resolved_by = now or utc_now(), actor
            return incident

        return self.write(change)

    def add_note(
        self, incident_id: str, actor: str, text: str, note_id: str | None = None
    ) -> IncidentNote:
        """Insert a note about an incident; repeating the call with its id is a no-op.

        Raises:
            IncidentNotFound: no incident has that id.
            IncidentNoteExists: the id is stored with other content.

        """
        sent = {"incident_id": incident_id, "text": text, "author": actor}
        row = {**sent, "id": note_id or new_id(), "created_at": utc_now()}
        row["digest"] = content_digest(sent)

        def change(session: Session) -> IncidentNote:
            _locked(session, incident_id)
            return insert_idempotent(session, IncidentNote, row, IncidentNoteExists)

        return self.write(change)


def _locked(session: Session, incident_id: str) -> MonitoringIncident:
    incident = session.get(MonitoringIncident, incident_id, with_for_update=True)
    if incident is None:
        raise IncidentNotFound(incident_id)
    return incident


def _details(session: Session, incident_id: str) -> IncidentDetails:
    incident = session.get(MonitoringIncident, incident_id)
    if incident is None:
        raise IncidentNotFound(incident_id)
    notes = (
        select(IncidentNote)
        .where(IncidentNote.incident_id == incident_id)
        .order_by(IncidentNote.created_at, IncidentNote.id)
        .limit(MOST_NOTES)
    )
    return IncidentDetails(incident, session.scalars(notes).all(), _events(session, incident))


def _events(session: Session, incident: MonitoringIncident) -> Sequence[MonitoringLog]:
    if incident.cause not in {CRITICAL_EVENTS, SOURCE_HEALTH}:
        return []
    behind = [status for status in HealthStatus if is_behind(incident.cause, status)]
    query = (
        select(MonitoringLog)
        .where(
            MonitoringLog.source == incident.source,
            MonitoringLog.status != HealthStatus.NORMAL,  # by the index of troubles
            MonitoringLog.status.in_(behind),
            MonitoringLog.timestamp >= incident.first_seen_at,
        )
        .order_by(MonitoringLog.timestamp.desc(), MonitoringLog.id.desc())
        .options(joinedload(MonitoringLog.result))
        .limit(MOST_EVENTS)
    )
    if incident.resolved_at is not None:
        query = query.where(MonitoringLog.timestamp <= incident.resolved_at)
    return session.scalars(query).all()
