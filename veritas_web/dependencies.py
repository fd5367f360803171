"""Arguments that routes take: the signed-in reader, and the services in their name.

A route without them reaches no service, so no page can forget the sign-in.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request

from shared_web.principals import Permission
from veritas_web.errors import NotAllowed, OwnPageOnly
from veritas_web.services.all import Clients, Services
from veritas_web.services.class_titles import ClassTitles
from veritas_web.services.followed import FollowedTalks
from veritas_web.services.late_data import LateData
from veritas_web.services.rest import Caller
from veritas_web.sessions.cookies import Cookies
from veritas_web.sessions.people import People
from veritas_web.sessions.provider import Provider
from veritas_web.settings import Settings
from veritas_web.viewer import Viewer

__all__ = [
    "OWN",
    "READS_STUDENTS",
    "STAFF",
    "CurrentApp",
    "CurrentServices",
    "CurrentViewer",
    "OwnId",
    "Parts",
    "Viewer",
    "allowed",
]

_STAFF_PERMISSIONS = (Permission.PREDICTIONS_READ, Permission.ACTIONS_READ)


@dataclass(frozen=True)
class Parts:
    """Parts of the app that live as long as the process."""

    settings: Settings
    clients: Clients
    cookies: Cookies
    people: People
    provider: Provider | None
    titles: ClassTitles
    late: LateData
    followed: FollowedTalks


async def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


CurrentApp = Annotated[Parts, Depends(_parts)]


async def current_viewer(request: Request, parts: CurrentApp) -> Viewer:
    """Return the reader of a request.

    Raises:
        SignInNeeded: nobody is signed in, or the session is over.
        ServiceAway: it cannot be checked now.

    """
    known: Viewer | None = getattr(request.state, "viewer", None)
    if known is None:
        known = await parts.people.viewer(parts.cookies.read(request))
        request.state.viewer = known
    return known


async def _services(
    parts: CurrentApp, viewer: Annotated[Viewer, Depends(current_viewer)]
) -> Services:
    return parts.clients.of(caller_for(parts, viewer))


def caller_for(parts: Parts, viewer: Viewer | None) -> Caller:
    """Return the caller of requests to the services for a reader; None: for the pages alone."""
    key = parts.settings.web_key
    person = viewer.person_id if viewer is not None else None
    return Caller.of(key.get_secret_value() if key else None, person)


CurrentViewer = Annotated[Viewer, Depends(current_viewer)]
CurrentServices = Annotated[Services, Depends(_services)]


async def _require_staff(viewer: CurrentViewer) -> None:
    if viewer.is_student:
        raise OwnPageOnly("This page is for staff.")
    if not viewer.is_staff:
        raise NotAllowed("The pages are for staff: predictions.read or actions.read is needed.")


def allowed(*permissions: Permission, or_sees_all: bool = False) -> Any:
    """Return the dependency of pages for readers with one of the permissions.

    or_sees_all: readers with sight of all students need none of them.
    """

    async def require(viewer: CurrentViewer) -> None:
        is_reviewer = or_sees_all and viewer.sees_all
        if not is_reviewer and not any(map(viewer.may, permissions)):
            needed = [*permissions, *(["sight of all students"] if or_sees_all else [])]
            raise NotAllowed(f"This page needs {' or '.join(needed)}.")

    return Depends(require)


# For routers whose pages show students to staff.
STAFF = Depends(_require_staff)


async def _own_id(viewer: CurrentViewer) -> str:
    if not viewer.is_student or viewer.person_id is None:
        raise NotAllowed("This page is for students: the role `student` is needed.")
    return viewer.person_id


# Id of the student whose own page it is, and the dependency for the routers of such pages.
OwnId = Annotated[str, Depends(_own_id)]
OWN = Depends(_own_id)


async def _require_students(viewer: CurrentViewer) -> None:
    wanted = (Permission.PREDICTIONS_READ, Permission.STUDENTS_READ)
    if not all(map(viewer.may, wanted)):
        raise NotAllowed("The page needs predictions.read and students.read.")


# For routers whose pages show places and figures of students.
READS_STUDENTS = Depends(_require_students)
