"""Routes of the access of members of staff."""

from typing import Annotated

from fastapi import APIRouter

from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import Roles, needs
from shared_web.auth.granting import require_grantable
from shared_web.principals import Permission, Principal
from shared_web.problems import documented
from shared_web.query.pagination import After, Limit, PageOut
from shared_web.requests.expensive_reads import EXPENSIVE_IF_SEARCHED
from staffstuddash_service.dependencies import Datastore
from staffstuddash_service.errors import PersonNotFound, UnknownReference
from staffstuddash_service.routes.filters import LISTING
from staffstuddash_service.routes.path_parameters import PersonId
from staffstuddash_service.routes.roster.parameters import PersonSearch
from staffstuddash_service.schemas.roster.access import AccessOut, AccessReplacement, StaffAccessOut

router = APIRouter(tags=["access"], route_class=AdmittedRoute)

PLACE = "/people/{person_id}/access"

MANAGE = needs(Permission.PEOPLE_MANAGE)
Manager = Annotated[Principal, MANAGE]


@router.get("/access", dependencies=[MANAGE, EXPENSIVE_IF_SEARCHED], responses=LISTING)
def list_access(
    datastore: Datastore, search: PersonSearch = None, after: After = None, limit: Limit = 100
) -> PageOut[StaffAccessOut]:
    """Return the access of all members of staff by id, with the numbers of classes and students."""
    page = datastore.person_access.search(search=search, after=after, limit=limit)
    items = [StaffAccessOut.of_staff(one) for one in page.items]
    return PageOut[StaffAccessOut](items=items, next=page.next)


@router.get(PLACE, dependencies=[MANAGE], responses=documented(PersonNotFound))
def get_access(person_id: PersonId, datastore: Datastore) -> AccessOut:
    """Return the access of a member of staff."""
    return AccessOut.of(datastore.person_access.get(person_id))


@router.put(PLACE, responses=documented(PersonNotFound, UnknownReference))
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
    return AccessOut.of(given)


@router.delete(PLACE, responses=documented(PersonNotFound))
def revoke_access(person_id: PersonId, datastore: Datastore, principal: Manager) -> AccessOut:
    """Revoke the access: every token of the person is refused until a role is given."""
    revoked = datastore.person_access.revoke(person_id, actor=principal.name)
    return AccessOut.of(revoked)
