"""Page of the outcomes after talks, and of the effect of drawn lists."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from veritas_web.dependencies import STAFF, CurrentApp, CurrentServices, CurrentViewer
from veritas_web.domain.effects import MIN_GROUP, lots_of, talks_of
from veritas_web.errors import NotAllowed
from veritas_web.pages import page
from veritas_web.services.rest import Answer, Refused, Result
from veritas_web.sessions.seen import students_seen

router = APIRouter(dependencies=[STAFF])

PERMISSION = "actions.read"
_TOO_SMALL = "group-too-small"


@router.get("/effects")
async def get_effects(
    request: Request,
    services: CurrentServices,
    viewer: CurrentViewer,
    parts: CurrentApp,
    course: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Return what followed talks in a course, or in all of them, and the effect of drawn lists."""
    if not viewer.may(PERMISSION):
        raise NotAllowed(f"This page needs the permission {PERMISSION}.")
    course = course or None
    talks, lots, titles = await asyncio.gather(
        parts.followed.of(services, course),
        services.staffstuddash.drawn_orders(top=students_seen(request), course=course),
        parts.titles.of(services, [course]),
    )
    context = {
        "course": course,
        "titles": titles,
        "lots": lots_of(lots.data) if isinstance(lots, Answer) else None,
        **talks_context(talks),
    }
    return page(request, "effects.html", context)


def talks_context(found: Result) -> dict[str, Any]:
    """Return what the block about talks needs; nothing is shown without the permission."""
    refused = found if isinstance(found, Refused) else None
    return {
        "talks": talks_of(found.data) if isinstance(found, Answer) else None,
        "talks_too_small": refused is not None and refused.slug == _TOO_SMALL,
        "talks_shown": refused is None or refused.slug == _TOO_SMALL,
        "least_talks": MIN_GROUP,
    }
