"""The pages as another person sees them: for a developer without keys, never in production."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from veritas_web.dependencies import CurrentApp, Parts, caller_for
from veritas_web.domain.marked import N_
from veritas_web.errors import PageNotFound
from veritas_web.pages import page
from veritas_web.services.rest import Answer, Result
from veritas_web.sessions.cookies import Session

router = APIRouter()

_SEE_OTHER = 303
# Members of staff that are offered of each role.
_OFFERED = 2
_ROLES = {
    "student": N_("student"),
    "teacher": N_("teacher"),
    "advisor": N_("advisor"),
    "principal": N_("principal"),
    "administrator": N_("administrator"),
    "aide": N_("aide"),
}


@router.get("/act-as")
async def get_act_as(request: Request, parts: CurrentApp) -> Response:
    """Return the page with some persons of the school."""
    _require_open(parts)
    calls = parts.clients.of(caller_for(parts, None)).sign_ins
    offered = [*_of_each_role(await calls.staff()), *_students(await calls.students())]
    return page(request, "act_as.html", {"offered": offered, "roles": _ROLES})


@router.post("/act-as")
async def act_as(parts: CurrentApp, person: Annotated[str, Form()] = "") -> Response:
    """Show the pages as a person sees them; without one, everything again."""
    _require_open(parts)
    response = RedirectResponse("/", _SEE_OTHER)
    if person.strip():
        parts.cookies.begin(response, Session(person.strip(), None))
    else:
        parts.cookies.end(response)
    return response


def _require_open(parts: Parts) -> None:
    if not parts.settings.is_open:
        raise PageNotFound


def _of_each_role(found: Result) -> list[dict[str, Any]]:
    offered: list[dict[str, Any]] = []
    for person in _items(found):
        same = [one for one in offered if one["role"] == person["role"]]
        if len(same) < _OFFERED and person.get("ended_at") is None:
            offered.append({name: person[name] for name in ("id", "name", "role")})
    return sorted(offered, key=lambda one: str(one["role"]), reverse=True)


def _students(found: Result) -> list[dict[str, Any]]:
    return [{"id": one["id"], "name": one["name"], "role": "student"} for one in _items(found)]


def _items(found: Result) -> list[dict[str, Any]]:
    return list(found.data["items"]) if isinstance(found, Answer) else []
