"""Route of the metrics of a service."""

from fastapi import APIRouter, Request, Response

from shared_web.auth.dependencies import RequirePermission
from shared_web.auth.origins import is_from_foreign_page, is_local_caller
from shared_web.operations.metrics.service import ServiceMetrics
from shared_web.principals import Permission
from shared_web.settings import ServiceSettings

_SYSTEM_READ = RequirePermission(Permission.SYSTEM_READ)


def metrics_routes(metrics: ServiceMetrics, settings: ServiceSettings) -> APIRouter:
    """Return the route for Prometheus: for callers of this machine, and with `system.read`."""
    router = APIRouter(include_in_schema=False)

    @router.get("/metrics")
    async def get_metrics(request: Request) -> Response:
        """Return the metrics in the format that the request accepts."""
        if "authorization" in request.headers or not is_on_this_machine(request, settings):
            await _SYSTEM_READ.admit(request)
        return await metrics.answer(request)

    return router


def is_on_this_machine(request: Request, settings: ServiceSettings) -> bool:
    """Return True if the caller is on this machine, and no page of another site."""
    headers = request.headers
    is_foreign = is_from_foreign_page(headers, settings.cors_origins)
    return is_local_caller(request, settings) and not is_foreign
