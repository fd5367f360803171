"""Probes of the process, and its metrics."""

from typing import Any

from fastapi import APIRouter, Request, Response

from shared_web.operations.metrics.routes import is_on_this_machine
from shared_web.operations.metrics.service import ServiceMetrics
from shared_web.principals import Permission
from veritas_web.dependencies import CurrentApp, Parts, caller_for
from veritas_web.errors import NotAllowed, PageNotFound, ServiceAway
from veritas_web.services.rest import Answer, Away, Caller, Refused
from veritas_web.sessions.origin import bearer_of
from veritas_web.sessions.people import KEY_REMEDY

router = APIRouter()

_UNAUTHENTICATED = 401
# The pages are published by a proxy, and their metrics with them would be.
_OF_PROXIES = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")


@router.get("/livez")
async def get_livez() -> dict[str, Any]:
    """Return that the process serves pages."""
    return {"status": "pass"}


@router.get("/readyz")
async def get_readyz(parts: CurrentApp, response: Response) -> dict[str, Any]:
    """Return the state of the pages; a service that is away is no failure of them.

    The pages come without it, and say so. A key that is refused fails the probe in production.
    """
    me = await parts.clients.of(caller_for(parts, None)).staffstuddash.me()
    if isinstance(me, Refused) and me.status == _UNAUTHENTICATED:
        response.status_code = 200 if parts.settings.may_be_keyless else 503
        return {"status": "fail", "detail": KEY_REMEDY}
    return {"status": "pass", "staffstuddash": "away" if isinstance(me, Away) else "pass"}


@router.get("/metrics")
async def get_metrics(request: Request, parts: CurrentApp) -> Response:
    """Return the metrics, to callers of this machine and for keys with `system.read`."""
    if any(name in request.headers for name in _OF_PROXIES):
        raise PageNotFound
    key = bearer_of(request)
    if key is not None or not is_on_this_machine(request, parts.settings):
        await _require_system_read(parts, key)
    metrics: ServiceMetrics = request.app.state.metrics
    return await metrics.answer(request)


async def _require_system_read(parts: Parts, key: str | None) -> None:
    """Check a key by asking staffstuddash for its permissions.

    Raises:
        NotAllowed: there is no key, it is not known, or it lacks the permission.
        ServiceAway: staffstuddash does not answer.

    """
    me = await parts.clients.of(Caller.of(key, None)).staffstuddash.me() if key else None
    if isinstance(me, Away):
        raise ServiceAway
    if not isinstance(me, Answer) or Permission.SYSTEM_READ not in me.data["permissions"]:
        raise NotAllowed("Metrics need a key with `system.read`, or a caller of this machine.")
