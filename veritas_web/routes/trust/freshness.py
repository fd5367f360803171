"""Freshness: the last rows of each kind, rows that wait, and refused rows."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from shared_web.principals import Permission
from veritas_web.dependencies import STAFF, CurrentApp, CurrentServices, CurrentViewer, allowed
from veritas_web.domain.trust.freshness import (
    KIND_NAMES,
    SERVICES,
    refused_imports,
    rows_of,
    spooled_of,
)
from veritas_web.pages import page
from veritas_web.services.all import Services
from veritas_web.services.results import optional
from veritas_web.viewer import Viewer

router = APIRouter(dependencies=[STAFF, allowed(Permission.ROSTER_READ)])

# So many at once that the titles of all of them can be asked for.
_COURSES = 25


@router.get("/freshness")
async def get_freshness(
    request: Request,
    services: CurrentServices,
    viewer: CurrentViewer,
    parts: CurrentApp,
    after: Annotated[str | None, Query(max_length=2000)] = None,
) -> Response:
    """Return the freshness of the school and of the courses in the reader's sight."""
    of_school, of_courses, jobs, late = await asyncio.gather(
        services.incoming.freshness(),
        services.dropout.freshness(after=after, limit=_COURSES),
        _imports(services, viewer),
        parts.late.of(services),
    )
    school, courses = optional(of_school), optional(of_courses)
    rows = rows_of(courses["items"]) if courses else []
    named = [row.course for row in rows] + [one.course for one in late or []]
    context = {
        "stale": late,
        "kinds": KIND_NAMES,
        "titles": await parts.titles.of(services, named),
        "school": rows_of(school["items"]) if school else None,
        "school_as_of": school and school["as_of"],
        "courses": rows if courses else None,
        "courses_as_of": courses and courses["as_of"],
        "following": courses and courses["next"],
        "is_first": after is None,
        "spooled": spooled_of({"staffstuddash": school, "dropout": courses}),
        "services": SERVICES,
        **jobs,
    }
    return page(request, "trust/freshness.html", context)


async def _imports(services: Services, viewer: Viewer) -> dict[str, Any]:
    """Return the imports with refused rows; only callers with all students may ask."""
    if not (viewer.may(Permission.ROSTER_WRITE) and viewer.sees_all):
        return {"has_imports": False, "imports": None}
    found = optional(await services.incoming.imports())
    return {"has_imports": True, "imports": found and refused_imports(found["items"])}
