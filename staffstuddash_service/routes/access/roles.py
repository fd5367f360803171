"""Routes of roles."""

from typing import Annotated

from fastapi import APIRouter, Response

from shared_db.errors import NeedsPostgresql
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import Roles, needs
from shared_web.auth.granting import require_grantable, require_sight_of_all
from shared_web.auth.roles import RoleBuiltIn, RoleNotFound
from shared_web.principals import Permission, Principal
from shared_web.problems import documented
from staffstuddash_service.routes.path_parameters import AccessName
from staffstuddash_service.schemas.access import RoleOut, RoleReplacement, RolesOut

router = APIRouter(prefix="/roles", tags=["access"], route_class=AdmittedRoute)

READ = needs(Permission.ROSTER_READ)
Manager = Annotated[Principal, needs(Permission.PEOPLE_MANAGE)]


@router.get("", dependencies=[READ])
def list_roles(roles: Roles) -> RolesOut:
    """Return the built-in roles, then those of the school by name."""
    return RolesOut(items=[RoleOut.of(role) for role in roles.list_roles()])


@router.get("/{name}", dependencies=[READ], responses=documented(RoleNotFound))
def get_role(name: AccessName, roles: Roles) -> RoleOut:
    """Return one role."""
    return RoleOut.of(roles.get_role(name))


@router.put(
    "/{name}",
    responses=documented(RoleBuiltIn, NeedsPostgresql)
    | {201: {"model": RoleOut, "description": "It is new."}},
)
def put_role(
    name: AccessName,
    new: RoleReplacement,
    roles: Roles,
    principal: Manager,
    response: Response,
) -> RoleOut:
    """Store or replace a role of the school; it gets only permissions of the caller."""
    require_sight_of_all(principal)
    require_grantable(principal, new.permissions, sees_all=new.sees_all)
    role, is_new = roles.put_role(name, new.permissions, sees_all=new.sees_all)
    if is_new:
        response.status_code = 201
    return RoleOut.of(role)


@router.delete(
    "/{name}",
    status_code=204,
    responses=documented(RoleBuiltIn, RoleNotFound, NeedsPostgresql),
)
def delete_role(name: AccessName, roles: Roles, principal: Manager) -> None:
    """Delete a role of the school; persons who have it alone may do nothing from then on."""
    require_sight_of_all(principal)
    roles.delete_role(name)
