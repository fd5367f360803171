"""Pages of incidents: one of them, and what readers do about it."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from shared_db.ids import new_id
from shared_web.principals import Permission
from veritas_web.dependencies import CurrentServices, allowed
from veritas_web.domain.marked import N_
from veritas_web.domain.system import words
from veritas_web.errors import ServiceAway
from veritas_web.pages import page
from veritas_web.routes.places import own_place
from veritas_web.services.rest import Refused, Result
from veritas_web.services.results import required

router = APIRouter(prefix="/system/incidents")

READ = allowed(Permission.SYSTEM_READ)
WRITE = allowed(Permission.SYSTEM_WRITE)
_OK, _SEE_OTHER, _CONFLICT, _INVALID = 200, 303, 409, 422
LONGEST_NOTE = 5000
_NOTE_PROBLEM = N_("Write a note of one to 5,000 characters.")

Place = Annotated[str, Form()]


@router.get("/{incident_id}", dependencies=[READ])
async def get_incident(request: Request, services: CurrentServices, incident_id: str) -> Response:
    """Return the page of an incident."""
    return await _page(request, services, incident_id)


@router.post("/{incident_id}/acknowledge", dependencies=[WRITE])
async def acknowledge(
    services: CurrentServices, incident_id: str, place: Place = "/system"
) -> Response:
    """Take care of an incident, and return to the page; one that is over stays as it is."""
    return _done(await services.monitoring.acknowledge_incident(incident_id), place)


@router.post("/{incident_id}/resolve", dependencies=[WRITE])
async def resolve(
    services: CurrentServices, incident_id: str, place: Place = "/system"
) -> Response:
    """Declare an incident to be over, and return to the page."""
    return _done(await services.monitoring.resolve_incident(incident_id), place)


@router.post("/{incident_id}/notes", dependencies=[WRITE])
async def add_note(
    request: Request,
    services: CurrentServices,
    incident_id: str,
    name: Annotated[str, Form(min_length=1, max_length=100)],
    text: Annotated[str, Form()] = "",
) -> Response:
    """Store a note, and return to the incident; name: of the form, so that it is stored once."""
    note = text.strip()
    if not note or len(note) > LONGEST_NOTE:
        return await _page(request, services, incident_id, text=text, problem=_NOTE_PROBLEM)
    result = await services.monitoring.add_incident_note(incident_id, note, name)
    return _done(result, request.url.path.removesuffix("/notes"))


async def _page(
    request: Request,
    services: CurrentServices,
    incident_id: str,
    text: str = "",
    problem: str | None = None,
) -> Response:
    found = required(await services.monitoring.incident(incident_id))
    context = {
        "words": words,
        "incident": found,
        "form_name": new_id(),
        "longest_note": LONGEST_NOTE,
        "text": text,
        "problem": problem,
    }
    return page(request, "system/incident.html", context, _INVALID if problem else _OK)


def _done(result: Result, place: str) -> Response:
    is_over = isinstance(result, Refused) and result.status == _CONFLICT
    if not is_over and required(result) is None:
        raise ServiceAway
    return RedirectResponse(own_place(place), _SEE_OTHER)
