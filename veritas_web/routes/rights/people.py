"""Members of staff: their list, and the access of each."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, Response

from shared_web.principals import Permission
from veritas_web.dependencies import CurrentApp, CurrentServices, CurrentViewer, Parts, allowed
from veritas_web.domain.rights.forms import LONGEST_DAYS, SHORTEST_DAYS, days_problem
from veritas_web.domain.rights.permission_words import ROLES, STAFF_ROLES
from veritas_web.pages import page
from veritas_web.routes.rights.outcomes import INVALID, Refusal, refusal_of, see
from veritas_web.services.all import Services
from veritas_web.services.rest import Answer, Refused, Result, segment
from veritas_web.services.results import optional, required
from veritas_web.viewer import Viewer

router = APIRouter(prefix="/people", dependencies=[allowed(Permission.ROSTER_READ)])

MANAGE = allowed(Permission.PEOPLE_MANAGE)
_PAGE = 50
# Nobody on the roster of staff is a student.
_NOT_FOR_STAFF = "student"
_INVITED_FOR = 7

RoleName = Annotated[str, Form(max_length=50)]
Days = Annotated[str, Form(max_length=20)]
Search = Annotated[str, Query(max_length=100)]
After = Annotated[str | None, Query(max_length=2000)]


@router.get("")
async def list_people(
    request: Request,
    services: CurrentServices,
    viewer: CurrentViewer,
    q: Search = "",
    after: After = None,
) -> Response:
    """Return the members of staff; managers of people see their access, too."""
    search = q.strip() or None
    found: Result | None = None
    if _manages(viewer):
        found = await services.access.staff(search=search, after=after, limit=_PAGE)
    # A manager with sight of some students only is refused the access of all.
    has_access = found is not None and not isinstance(found, Refused)
    if found is None or isinstance(found, Refused):
        found = await services.access.people(search=search, after=after, limit=_PAGE)
    context = {"people": required(found), "search": search or "", "has_access": has_access}
    return page(request, "rights/people.html", context | _words())


@router.get("/{person_id}")
async def get_person(
    request: Request,
    services: CurrentServices,
    viewer: CurrentViewer,
    parts: CurrentApp,
    person_id: str,
    done: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """Return the page of a member of staff; done: the change that led here."""
    context = await _person(services, viewer, parts, person_id)
    return page(request, "rights/person.html", context | {"done": done})


@router.post("/{person_id}/role", dependencies=[MANAGE])
async def give_role(
    request: Request,
    services: CurrentServices,
    viewer: CurrentViewer,
    parts: CurrentApp,
    person_id: str,
    role: RoleName = "",
) -> Response:
    """Give a role, also after a revocation."""
    result = await services.access.give_role(person_id, role)
    return await _followed(request, services, viewer, parts, person_id, result, "role", role)


@router.post("/{person_id}/revoke", dependencies=[MANAGE])
async def revoke_access(
    request: Request,
    services: CurrentServices,
    viewer: CurrentViewer,
    parts: CurrentApp,
    person_id: str,
) -> Response:
    """Revoke the access; sessions end, and an invitation is void."""
    result = await services.access.revoke(person_id)
    return await _followed(request, services, viewer, parts, person_id, result, "revoked")


@router.post("/{person_id}/invite", dependencies=[MANAGE])
async def invite(
    request: Request,
    services: CurrentServices,
    viewer: CurrentViewer,
    parts: CurrentApp,
    person_id: str,
    days: Days = "",
) -> Response:
    """Make an invitation, and show its link on this answer alone."""
    if (problem := days_problem(days)) is not None:
        context = await _person(services, viewer, parts, person_id)
        return _refused(request, context, Refusal(INVALID, problem))
    result = await services.access.invite(person_id, int(days))
    context = await _person(services, viewer, parts, person_id)
    if not isinstance(result, Answer):
        return _refused(request, context, refusal_of(result))
    link = parts.settings.invitation_link(result.data["token"])
    shown = {"link": link, "expires_at": result.data["expires_at"]}
    return page(request, "rights/invited.html", context | shown)


@router.post("/{person_id}/invitation/revoke", dependencies=[MANAGE])
async def revoke_invitation(
    request: Request,
    services: CurrentServices,
    viewer: CurrentViewer,
    parts: CurrentApp,
    person_id: str,
) -> Response:
    """Revoke the invitation of a person, if there is one."""
    result = await services.access.revoke_invitation(person_id)
    return await _followed(request, services, viewer, parts, person_id, result, "invitation")


@router.post("/{person_id}/sign-outs", dependencies=[MANAGE])
async def end_sessions(
    request: Request,
    services: CurrentServices,
    viewer: CurrentViewer,
    parts: CurrentApp,
    person_id: str,
) -> Response:
    """End all sessions of a person."""
    result = await services.sign_ins.end_all(person_id)
    return await _followed(request, services, viewer, parts, person_id, result, "sessions")


async def _followed(
    request: Request,
    services: Services,
    viewer: Viewer,
    parts: Parts,
    person_id: str,
    result: Result,
    done: str,
    chosen: str | None = None,
) -> Response:
    """Return the page after a change, or the form with the refusal and the chosen role."""
    refusal = refusal_of(result)
    if refusal is None:
        parts.people.forget(person_id)
        return see(f"/people/{segment(person_id)}?done={done}")
    context = await _person(services, viewer, parts, person_id)
    return _refused(request, context | {"chosen": chosen or context["chosen"]}, refusal)


def _refused(request: Request, context: dict[str, Any], refusal: Refusal | None) -> Response:
    status = refusal.status if refusal else 200
    return page(request, "rights/person.html", context | {"refusal": refusal}, status)


async def _person(
    services: Services, viewer: Viewer, parts: Parts, person_id: str
) -> dict[str, Any]:
    asked = [services.access.person(person_id), services.access.classes(person_id)]
    if _manages(viewer):
        asked += [services.access.access(person_id), services.access.roles()]
    person, classes, *managed = await asyncio.gather(*asked)
    taught = optional(classes)
    access, roles = map(optional, managed) if managed else (None, None)
    ids = [one["class_id"] for one in taught["items"]] if taught else []
    return {
        "person_id": person_id,
        "person": required(person),
        "classes": taught and ids,
        "titles": await parts.titles.of(services, ids),
        "may_manage": bool(managed) and not isinstance(managed[0], Refused),
        "access": access,
        "offered": roles and [one["name"] for one in roles["items"] if _is_for_staff(one)],
        "chosen": access and (access["role"] or access["role_in_force"]),
        "is_self": person_id == viewer.person_id,
        "days": (SHORTEST_DAYS, LONGEST_DAYS, _INVITED_FOR),
        "done": "",
        "refusal": None,
        **_words(),
    }


def _is_for_staff(role: dict[str, Any]) -> bool:
    return bool(role["name"] != _NOT_FOR_STAFF)


def _words() -> dict[str, Any]:
    return {"role_names": ROLES, "staff_roles": STAFF_ROLES}


def _manages(viewer: Viewer) -> bool:
    return viewer.may(Permission.PEOPLE_MANAGE)
