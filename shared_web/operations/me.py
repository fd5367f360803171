"""Route by which callers learn who they are to the service."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

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
    full_name: Annotated[
        str | None, Field(description="Null: the service or its database does not know it now.")
    ] = None
    session_revision: Annotated[
        int | None,
        Field(description="Sessions of an earlier revision are over; null: it is not known now."),
    ] = None


@router.get("/me")
async def get_caller(request: Request, principal: Caller) -> PersonOut | CallerOut:
    """Return the name, the kind and the permissions of the caller."""
    permissions, person = sorted(principal.permissions), principal.person
    if person is not None:
        identity = await _asked(request, "identify", person.id) if person.id else None
        return PersonOut(
            name=principal.name,
            kind="person",
            permissions=permissions,
            id=person.id,
            roles=list(person.roles),
            sees_all=person.sees_all,
            through=person.through,
            notices=await _asked(request, "notices", principal.name) if person.sees_all else 0,
            full_name=identity and identity.name,
            session_revision=identity and identity.session_revision,
        )
    kind: Literal["system", "developer"] = "developer" if principal is DEVELOPER else "system"
    return CallerOut(name=principal.name, kind=kind, permissions=permissions)


async def _asked(request: Request, question: str, name: str) -> Any:
    """Return the answer of the service of this app about a person, or None."""
    answer: Callable[[str], Any] | None = getattr(request.app.state, question, None)
    if answer is None:
        return None
    try:
        return await run_in_threadpool(answer, name)
    except (DatabaseUnavailable, DatabaseBusy):  # the caller is known without the database
        return None
