"""Changes of actions: done, or undone."""

from typing import Annotated

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse

from veritas_web.dependencies import STAFF, CurrentServices
from veritas_web.errors import ServiceAway
from veritas_web.routes.places import own_place
from veritas_web.services.results import required

router = APIRouter(prefix="/actions", dependencies=[STAFF])

_SEE_OTHER = 303

Place = Annotated[str, Form()]


@router.post("/{action_id}/done")
async def finish_action(services: CurrentServices, action_id: str, place: Place = "/") -> Response:
    """Mark a planned action as done, and return to the page."""
    return await _change(services, action_id, "done", place)


@router.post("/{action_id}/withdraw")
async def withdraw_action(
    services: CurrentServices, action_id: str, place: Place = "/"
) -> Response:
    """Take an action back: it stays on record and does not count."""
    return await _change(services, action_id, "withdrawn", place)


async def _change(services: CurrentServices, action_id: str, state: str, place: str) -> Response:
    changed = required(await services.staffstuddash.change_action(action_id, {"state": state}))
    if changed is None:
        raise ServiceAway
    return RedirectResponse(own_place(place), _SEE_OTHER)
