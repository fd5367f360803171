"""Route by which callers learn who they are to the service."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field

from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import DEVELOPER, Caller
from shared_web.principals import Permission
from shared_web.requests.fields import Out

router = APIRouter(tags=["caller"], route_class=AdmittedRoute)

TAG = {"name": "caller", "description": "The caller and their permissions."}


class CallerOut(Out):
    """Caller: a system with a key, or a developer, who needs none."""

    name: str
    kind: Literal["system", "person", "developer"]
    permissions: list[Permission]


class PersonOut(CallerOut):
    """Human caller; `id` is null if the roster has nobody of that login."""

    id: str | None
    roles: list[str]
    sees_all: Annotated[bool, Field(description="False: only the person's students are seen.")]
    through: Annotated[str | None, Field(description="The key that acts for the person.")]


@router.get("/me")
async def get_caller(principal: Caller) -> PersonOut | CallerOut:
    """Return the name, the kind and the permissions of the caller."""
    permissions, person = sorted(principal.permissions), principal.person
    if person is not None:
        return PersonOut(
            name=principal.name,
            kind="person",
            permissions=permissions,
            id=person.id,
            roles=list(person.roles),
            sees_all=person.sees_all,
            through=person.through,
        )
    kind: Literal["system", "developer"] = "developer" if principal is DEVELOPER else "system"
    return CallerOut(name=principal.name, kind=kind, permissions=permissions)
