"""The page of the systems: services, background work, days, slow routes, incidents."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from shared_web.principals import Permission
from veritas_web.dependencies import CurrentApp, CurrentServices, allowed
from veritas_web.domain.system import days, words
from veritas_web.domain.system.route_times import LEAST_REQUESTS, MOST_ROUTES, slowest
from veritas_web.domain.system.services import service_state, work_rows
from veritas_web.pages import page
from veritas_web.services.all import NAMES, Services
from veritas_web.services.results import optional

router = APIRouter(dependencies=[allowed(Permission.SYSTEM_READ)])

_DAYS = 30
_MOST_SYSTEMS = 12
OPEN, OVER = ("open", "acknowledged"), ("resolved",)

Over = Annotated[bool, Query(description="Incidents that are over instead of open ones.")]
After = Annotated[str | None, Query(max_length=2000)]


@router.get("/system")
async def get_system(
    request: Request,
    services: CurrentServices,
    parts: CurrentApp,
    over: Over = False,  # noqa: FBT002 - of the query
    after: After = None,
) -> Response:
    """Return the state of the systems; each block is unknown while its service is away."""
    monitoring = services.monitoring
    health, by_day, work, incidents, states, routes = await asyncio.gather(
        monitoring.health(),
        monitoring.health_days(days=_DAYS, timezone=parts.settings.school_timezone),
        monitoring.background_work(),
        monitoring.incidents(states=OVER if over else OPEN, after=after),
        _states(services),
        _routes(services),
    )
    background, found = optional(work), optional(by_day)
    context = {
        "words": words,
        "health": optional(health),
        "days": found and days.day_bars(found["days"]),
        "systems": _systems(found),
        "counted": days.counted,
        "step": days.STEP,
        "height": days.HEIGHT,
        "work": background and work_rows(background["items"]),
        "not_reported": background and list(background["missing_because"]),
        "incidents": optional(incidents),
        "over": over,
        "states": states,
        "routes": routes,
        "least_requests": LEAST_REQUESTS,
        "most_routes": MOST_ROUTES,
    }
    return page(request, "system/overview.html", context)


async def _states(services: Services) -> list[Any]:
    found = await asyncio.gather(*(services.operations[name].health() for name in NAMES))
    return [service_state(name, optional(one)) for name, one in zip(NAMES, found, strict=True)]


async def _routes(services: Services) -> dict[str, Any]:
    """Return the slowest routes by service; None for one whose times are not known now."""
    found = await asyncio.gather(*(services.operations[name].metrics() for name in NAMES))
    known = {name: optional(one) for name, one in zip(NAMES, found, strict=True)}
    return {
        name: None if times is None else slowest(name, times)[:MOST_ROUTES]
        for name, times in known.items()
    }


def _systems(found: Any) -> list[Any]:
    if found is None:
        return []
    return [(one["source"], days.day_bars(one["days"])) for one in found["sources"][:_MOST_SYSTEMS]]
