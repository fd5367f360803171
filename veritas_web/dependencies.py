"""Arguments that routes take: the signed-in reader, and the services in their name."""

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from veritas_web.services.all import Clients, Services
from veritas_web.services.rest import Caller
from veritas_web.settings import Settings


@dataclass(frozen=True)
class Viewer:
    """Reader of the pages.

    person_id: None for a developer without keys: everything is seen. acting: True if a developer
    looks at the pages as this person.
    """

    person_id: str | None
    name: str
    permissions: frozenset[str] = field(default_factory=frozenset)
    roles: tuple[str, ...] = ()
    is_developer: bool = False
    acting: bool = False

    def may(self, permission: str) -> bool:
        """Return True if the reader's role has the permission."""
        return permission in self.permissions


async def _viewer(request: Request) -> Viewer:
    viewer: Viewer = request.state.viewer
    return viewer


async def _services(request: Request, viewer: Annotated[Viewer, Depends(_viewer)]) -> Services:
    settings: Settings = request.app.state.settings
    clients: Clients = request.app.state.clients
    key = settings.web_key.get_secret_value() if settings.web_key else None
    return clients.of(Caller.of(key, viewer.person_id))


CurrentViewer = Annotated[Viewer, Depends(_viewer)]
CurrentServices = Annotated[Services, Depends(_services)]
