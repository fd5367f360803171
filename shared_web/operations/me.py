"""Route by which callers learn who they are to the service."""

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import Field

from shared_db.errors import DatabaseBusy, DatabaseUnavailable
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import DEVELOPER, Caller
from shared_web.principals import Permission
from shared_web.requests.fields import Out

router = APIRouter(tags=["caller"], route_class=AdmittedRoute)

TAG = {"name": "caller", "description": "The caller and their permissions."}


# Returns the number of notices of the person of an id who sees every student.
Notices = Callable[[str], int]


class CallerOut(Out):
    """Caller: a system with a key, or a developer, who needs none."""

    name: str
    kind: Literal["system", "person", "developer"]
    permissions: list[Permission]
    notices: Annotated[
        int | None,
        Field(
            description="Openings by break-glass that the person has not acknowledged; null: the"
            " service or its database does not know them now."
        ),
    ] = 0


class PersonOut(CallerOut):
    """Human caller; `id` is null if the roster has nobody of that login."""

    id: str | None
    roles: list[str]
    sees_all: Annotated[bool, Field(description="False: only the person's students are seen.")]
    through: Annotated[str | None, Field(description="The key that acts for the person.")]


@router.get("/me")
async def get_caller(request: Request, principal: Caller) -> PersonOut | CallerOut:
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
            notices=await _notices(request, principal.name) if person.sees_all else 0,
        )
    kind: Literal["system", "developer"] = "developer" if principal is DEVELOPER else "system"
    return CallerOut(name=principal.name, kind=kind, permissions=permissions)


async def _notices(request: Request, name: str) -> int | None:
    count: Notices | None = getattr(request.app.state, "notices", None)
    if count is None:
        return None
    try:
        return await run_in_threadpool(count, name)
    except (DatabaseUnavailable, DatabaseBusy):  # the caller is known without the database
        return None
