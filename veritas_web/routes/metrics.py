"""Metrics of the pages, for Prometheus beside them."""

from fastapi import APIRouter, Request, Response

from shared_web.operations.metrics.routes import is_on_this_machine
from shared_web.operations.metrics.service import ServiceMetrics
from shared_web.principals import Permission
from shared_web.threads import ReservedThreads
from veritas_web.dependencies import CurrentApp, Parts
from veritas_web.errors import NotAllowed, PageNotFound, ServiceAway
from veritas_web.services.rest import Answer, Away, Caller
from veritas_web.sessions.origin import bearer_of

# The pages are published by a proxy, and their metrics with them would be.
_OF_PROXIES = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")


def metrics_routes(metrics: ServiceMetrics) -> APIRouter:
    """Return the route: for callers of this machine, and for keys with `system.read`."""
    router = APIRouter()
    threads = ReservedThreads(1)

    @router.get("/metrics")
    async def get_metrics(request: Request, parts: CurrentApp) -> Response:
        """Return the metrics in the format that the request accepts."""
        if any(name in request.headers for name in _OF_PROXIES):
            raise PageNotFound
        key = bearer_of(request)
        if key is not None or not is_on_this_machine(request, parts.settings):
            await _require_system_read(parts, key)
        accept = request.headers.get("accept", "")
        text, media_type = await threads.run(lambda: metrics.text(accept))
        return Response(text, headers={"Content-Type": media_type})

    return router


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
