"""Persons of sessions: asked of staffstuddash, kept for seconds, and known while it is away."""

import asyncio
import time
from dataclasses import dataclass, replace

import structlog

from shared_web.principals import Permission
from veritas_web.errors import KeyRefused, ServiceAway, SignInNeeded, SignInRefused
from veritas_web.services.all import Clients
from veritas_web.services.rest import Answer, Caller, Refused, Result
from veritas_web.sessions.cookies import Session
from veritas_web.settings import Settings
from veritas_web.viewer import Viewer

logger = structlog.stdlib.get_logger("veritas.web")

# A session that was ended elsewhere is over after this time.
CHECK_SECONDS = 30.0
# While staffstuddash is away, a known person stays known for this time.
OUTAGE_SECONDS = 3600.0
# A known person is not waited for longer, so that a page with a service away comes in time.
_WAIT_SECONDS = 0.4
_PAUSE_SECONDS = 10.0
_MAX_KNOWN = 10_000
_UNAUTHENTICATED, _FORBIDDEN = 401, 403

KEY_REMEDY = (
    "The services require a key with the permission act_as. Make one with `veritas keys add web "
    "--permission act_as`, set WEB_KEY to it, and start the pages again."
)


@dataclass(frozen=True)
class _Known:
    """Person, and the revision of their sessions; times are on the monotonic clock."""

    viewer: Viewer
    revision: int
    found_at: float
    ask_at: float


class People:
    """Persons of the sessions of one process."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._key = settings.web_key.get_secret_value() if settings.web_key else None
        self._is_open = settings.is_open
        self._clients = clients
        self._known: dict[str | None, _Known] = {}

    async def viewer(self, session: Session | None) -> Viewer:
        """Return the reader of a session; without one, the developer if there are no keys.

        Raises:
            SignInNeeded: there is no session, or it was ended.
            SignInRefused: the person may not read the pages.
            ServiceAway: staffstuddash does not answer, and the person is not known.

        """
        if session is None and not self._is_open:
            raise SignInNeeded
        person_id = session.person_id if session is not None else None
        known = await self._current(person_id)
        if session is None or session.revision is None:
            return replace(known.viewer, is_developer=True, acting=session is not None)
        if session.revision < known.revision:
            raise SignInNeeded
        return known.viewer

    def forget(self, person_id: str) -> None:
        """Ask for the person again at the next request."""
        self._known.pop(person_id, None)

    async def _current(self, person_id: str | None) -> _Known:
        known = self._known.get(person_id)
        now = time.monotonic()
        if known is not None and now < known.ask_at:
            return known
        answer = await self._ask(person_id, is_known=known is not None)
        if isinstance(answer, Refused):
            self._known.pop(person_id, None)
            raise self._refusal(answer)
        found = _of(person_id, answer.data, now) if isinstance(answer, Answer) else None
        if found is None:
            found = self._while_away(person_id, known, now)
        self._keep(person_id, found)
        return found

    async def _ask(self, person_id: str | None, *, is_known: bool) -> Result | None:
        staffstuddash = self._clients.of(Caller.of(self._key, person_id)).staffstuddash
        try:
            return await asyncio.wait_for(staffstuddash.me(), _WAIT_SECONDS if is_known else None)
        except TimeoutError:
            return None

    def _refusal(self, answer: Refused) -> Exception:
        if answer.status == _UNAUTHENTICATED:
            logger.error("the services refuse WEB_KEY, or it is not set")
            return KeyRefused(KEY_REMEDY)
        if answer.status == _FORBIDDEN:
            return SignInRefused(answer.detail)
        return ServiceAway(answer.detail)

    def _while_away(self, person_id: str | None, known: _Known | None, now: float) -> _Known:
        if known is not None and now - known.found_at < OUTAGE_SECONDS:
            return replace(known, ask_at=now + _PAUSE_SECONDS)
        if person_id is None:
            return _Known(_developer(frozenset(Permission)), 0, now, now + _PAUSE_SECONDS)
        raise ServiceAway

    def _keep(self, person_id: str | None, found: _Known) -> None:
        self._known.pop(person_id, None)
        while len(self._known) >= _MAX_KNOWN:
            self._known.pop(next(iter(self._known)), None)
        self._known[person_id] = found


def _of(person_id: str | None, me: dict[str, object], now: float) -> _Known | None:
    """Return the person of an answer of `/me`, or None if the roster could not be read now."""
    permissions = frozenset(
        map(str, me["permissions"] if isinstance(me["permissions"], list) else ())
    )
    if person_id is None:
        return _Known(_developer(permissions), 0, now, now + CHECK_SECONDS)
    revision, roles = me.get("session_revision"), me.get("roles")
    notices = me.get("notices")
    if not isinstance(revision, int):
        return None
    viewer = Viewer(
        person_id=str(me.get("id") or person_id),
        name=str(me.get("full_name") or me["name"]),
        permissions=permissions,
        roles=tuple(map(str, roles if isinstance(roles, list) else ())),
        sees_all=me.get("sees_all") is True,
        notices=notices if isinstance(notices, int) else None,
    )
    return _Known(viewer, revision, now, now + CHECK_SECONDS)


def _developer(permissions: frozenset[str]) -> Viewer:
    return Viewer(None, "", permissions, sees_all=True, is_developer=True)
