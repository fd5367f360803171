"""Routes of the access of members of staff."""

from typing import Annotated

from fastapi import APIRouter

from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import Roles, needs
from shared_web.auth.granting import require_grantable
from shared_web.principals import Permission, Principal
from shared_web.problems import documented
from staffstuddash_service.dependencies import Datastore
from staffstuddash_service.errors import PersonNotFound, UnknownReference
from staffstuddash_service.routes.path_parameters import PersonId
from staffstuddash_service.schemas.roster.access import AccessOut, AccessReplacement

router = APIRouter(prefix="/people/{person_id}/access", tags=["access"], route_class=AdmittedRoute)

Manager = Annotated[Principal, needs(Permission.PEOPLE_MANAGE)]


@router.get(
    "", dependencies=[needs(Permission.PEOPLE_MANAGE)], responses=documented(PersonNotFound)
)
def get_access(person_id: PersonId, datastore: Datastore) -> AccessOut:
    """Return the access of a member of staff."""
    return AccessOut.model_validate(datastore.person_access.get(person_id))


@router.put("", responses=documented(PersonNotFound, UnknownReference))
def give_access(
    person_id: PersonId,
    new: AccessReplacement,
    datastore: Datastore,
    principal: Manager,
    roles: Roles,
) -> AccessOut:
    """Give a role, also after a revocation; nobody gives a role with more rights than their own."""
    role = roles.find(new.role)
    if role is None:
        raise UnknownReference("role", new.role)
    require_grantable(principal, role.permissions, sees_all=role.sees_all)
    given = datastore.person_access.give(person_id, role.name, actor=principal.name)
    return AccessOut.model_validate(given)


@router.delete("", responses=documented(PersonNotFound))
def revoke_access(person_id: PersonId, datastore: Datastore, principal: Manager) -> AccessOut:
    """Revoke the access: every token of the person is refused until a role is given."""
    revoked = datastore.person_access.revoke(person_id, actor=principal.name)
    return AccessOut.model_validate(revoked)
