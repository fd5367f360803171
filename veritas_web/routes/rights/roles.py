"""Roles: their permissions in sentences, and those of the school's own."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response

from shared_web.principals import Permission
from veritas_web.dependencies import CurrentServices, CurrentViewer, allowed
from veritas_web.domain.rights.forms import RoleForm
from veritas_web.domain.rights.permission_words import PERMISSIONS, ROLES
from veritas_web.errors import PageNotFound
from veritas_web.pages import page
from veritas_web.routes.rights.outcomes import INVALID, Refusal, refusal_of, see
from veritas_web.services.results import required
from veritas_web.viewer import Viewer

router = APIRouter(dependencies=[allowed(Permission.ROSTER_READ)])

MANAGE = allowed(Permission.PEOPLE_MANAGE)
_PATH = "/roles"

Name = Annotated[str, Form(max_length=200)]
Chosen = Annotated[list[str], Form(max_length=100)]
SeesAll = Annotated[bool, Form()]


@router.get("/roles")
async def list_roles(
    request: Request, services: CurrentServices, viewer: CurrentViewer
) -> Response:
    """Return all roles with their permissions."""
    roles = required(await services.access.roles())
    context = {"roles": roles, "may_manage": viewer.may(Permission.PEOPLE_MANAGE)}
    return page(request, "rights/roles.html", context | _words())


@router.get("/new-role", dependencies=[MANAGE])
async def get_new_role(request: Request, viewer: CurrentViewer) -> Response:
    """Return the form of a new role."""
    return _form(request, viewer, RoleForm(), is_new=True)


@router.post("/new-role", dependencies=[MANAGE])
async def add_role(
    request: Request,
    services: CurrentServices,
    viewer: CurrentViewer,
    name: Name = "",
    permissions: Chosen = [],  # noqa: B006 - FastAPI copies it
    sees_all: SeesAll = False,  # noqa: FBT002 - of a form
) -> Response:
    """Store a new role; one of the same name and rights is the same form, sent again."""
    role = RoleForm(name.strip(), frozenset(permissions), sees_all)
    found = required(await services.access.roles())
    others = [one for one in (found["items"] if found else []) if not _is_same(one, role)]
    problems = role.problems({one["name"] for one in others})
    if problems:
        return _form(request, viewer, role, is_new=True, problems=problems)
    refusal = refusal_of(await services.access.put_role(role.name, role.body()))
    if refusal is not None:
        return _form(request, viewer, role, is_new=True, refusal=refusal)
    return see(_PATH)


@router.get("/roles/{name}", dependencies=[MANAGE])
async def get_role(
    request: Request, services: CurrentServices, viewer: CurrentViewer, name: str
) -> Response:
    """Return the form of a role of the school."""
    found = required(await services.access.role(name))
    if found is None:
        return _form(request, viewer, RoleForm(name), is_known=False)
    if found["is_built_in"]:
        raise PageNotFound("A built-in role cannot be changed.")
    role = RoleForm(name, frozenset(found["permissions"]), found["sees_all"])
    return _form(request, viewer, role)


@router.post("/roles/{name}", dependencies=[MANAGE])
async def change_role(
    request: Request,
    services: CurrentServices,
    viewer: CurrentViewer,
    name: str,
    permissions: Chosen = [],  # noqa: B006 - FastAPI copies it
    sees_all: SeesAll = False,  # noqa: FBT002 - of a form
) -> Response:
    """Replace the rights of a role of the school."""
    role = RoleForm(name, frozenset(permissions), sees_all)
    if problems := role.problems():
        return _form(request, viewer, role, problems=problems)
    refusal = refusal_of(await services.access.put_role(name, role.body()))
    return see(_PATH) if refusal is None else _form(request, viewer, role, refusal=refusal)


@router.get("/roles/{name}/delete", dependencies=[MANAGE])
async def get_role_deletion(request: Request, name: str) -> Response:
    """Return the question before a role is deleted."""
    return page(request, "rights/delete_role.html", {"name": name, "refusal": None})


@router.post("/roles/{name}/delete", dependencies=[MANAGE])
async def delete_role(request: Request, services: CurrentServices, name: str) -> Response:
    """Delete a role of the school."""
    refusal = refusal_of(await services.access.delete_role(name))
    if refusal is None or refusal.status == PageNotFound.status:  # the form was sent twice
        return see(_PATH)
    context = {"name": name, "refusal": refusal}
    return page(request, "rights/delete_role.html", context, refusal.status)


def _form(
    request: Request,
    viewer: Viewer,
    role: RoleForm,
    *,
    is_new: bool = False,
    is_known: bool = True,
    problems: dict[str, str] | None = None,
    refusal: Refusal | None = None,
) -> Response:
    context = {
        "role": role,
        "is_new": is_new,
        "is_known": is_known,
        # Nobody gives more than they have.
        "offered": [one for one in PERMISSIONS if viewer.may(one) or one in role.permissions],
        "problems": problems or {},
        "refusal": refusal,
    }
    status = refusal.status if refusal else INVALID if problems else 200
    return page(request, "rights/role.html", context | _words(), status)


def _is_same(stored: dict[str, Any], role: RoleForm) -> bool:
    """Return True if a stored role is the one of the form, so that sending it twice is no fault."""
    is_own = not stored["is_built_in"] and stored["name"] == role.name
    return is_own and (frozenset(stored["permissions"]), stored["sees_all"]) == (
        role.permissions,
        role.sees_all,
    )


def _words() -> dict[str, Any]:
    return {"permission_words": PERMISSIONS, "role_names": ROLES}
