"""Incidents of the systems: listed, acknowledged, resolved, with notes."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from monitoring_service.dependencies import Monitoring
from monitoring_service.errors import IncidentNoteExists, IncidentNotFound, IncidentOver
from monitoring_service.routes.filters import IncidentFilters
from monitoring_service.schemas.events import EventOut
from monitoring_service.schemas.incidents import (
    IncidentDetailsOut,
    IncidentNoteOut,
    IncidentOut,
    NewIncidentNote,
)
from shared_db.errors import QueryTooExpensive
from shared_db.queries.pagination import MalformedCursor
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission, Principal
from shared_web.problems import InvalidRequest, documented
from shared_web.query.pagination import After, Limit, PageOut
from shared_web.requests.expensive_reads import EXPENSIVE_IF_SEARCHED
from shared_web.requests.fields import Id
from shared_web.requests.idempotency import IdempotencyKey, mark_replay, row_id

router = APIRouter(prefix="/monitoring/incidents", tags=["incidents"], route_class=AdmittedRoute)

READ = needs(Permission.SYSTEM_READ)
Writer = Annotated[Principal, needs(Permission.SYSTEM_WRITE)]
IncidentId = Annotated[Id, Path(description="The incident's id.", examples=["0199"])]

LISTING = documented(InvalidRequest, MalformedCursor, QueryTooExpensive)


@router.get("", dependencies=[READ, EXPENSIVE_IF_SEARCHED], responses=LISTING)
def list_incidents(
    monitoring: Monitoring, filters: IncidentFilters, after: After = None, limit: Limit = 100
) -> PageOut[IncidentOut]:
    """Return the incidents, the latest opened first."""
    page = monitoring.incidents.search(filters=filters, after=after, limit=limit)
    return PageOut[IncidentOut].of(page)


@router.get("/{incident_id}", dependencies=[READ], responses=documented(IncidentNotFound))
def get_incident(incident_id: IncidentId, monitoring: Monitoring) -> IncidentDetailsOut:
    """Return an incident with its notes and the latest events behind it."""
    found = monitoring.incidents.get(incident_id)
    return IncidentDetailsOut(
        **dict(IncidentOut.model_validate(found.incident)),
        notes=[IncidentNoteOut.model_validate(note) for note in found.notes],
        events=[EventOut.model_validate(event) for event in found.events],
    )


@router.post("/{incident_id}/acknowledge", responses=documented(IncidentNotFound, IncidentOver))
def acknowledge_incident(
    incident_id: IncidentId, monitoring: Monitoring, principal: Writer, response: Response
) -> IncidentOut:
    """Take care of an incident. The first caller stays; a repeated request is a replay."""
    incident = monitoring.incidents.acknowledge(incident_id, principal.name)
    mark_replay(response, is_replay=incident.is_replay)
    return IncidentOut.model_validate(incident)


@router.post("/{incident_id}/resolve", responses=documented(IncidentNotFound))
def resolve_incident(
    incident_id: IncidentId, monitoring: Monitoring, principal: Writer, response: Response
) -> IncidentOut:
    """Declare an incident to be over; further trouble opens another one. Repeated: a replay."""
    incident = monitoring.incidents.resolve(incident_id, principal.name)
    mark_replay(response, is_replay=incident.is_replay)
    return IncidentOut.model_validate(incident)


@router.post(
    "/{incident_id}/notes",
    status_code=201,
    responses=documented(IncidentNotFound, IncidentNoteExists),
)
def add_incident_note(
    incident_id: IncidentId,
    new: NewIncidentNote,
    monitoring: Monitoring,
    principal: Writer,
    response: Response,
    key: IdempotencyKey = None,
) -> IncidentNoteOut:
    """Store a note about an incident; the author is the caller."""
    note_id = row_id(new.id, key, principal)
    note = monitoring.incidents.add_note(incident_id, principal.name, new.text, note_id)
    mark_replay(response, is_replay=note.is_replay)
    return IncidentNoteOut.model_validate(note)
