"""School: courses by what is new, hints at material, activity by week, pairs and actions."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from veritas_web.dependencies import READS_STUDENTS, CurrentApp, CurrentServices
from veritas_web.domain.charts import Box
from veritas_web.domain.school.overview import (
    SMALLEST_GROUP,
    Shade,
    action_weeks,
    course_shares,
    heat_map,
    pair_ids,
    pairs_of,
)
from veritas_web.domain.today import material_hints
from veritas_web.pages import page
from veritas_web.services.all import Services
from veritas_web.services.results import is_too_small, optional
from veritas_web.sessions.seen import students_seen

router = APIRouter(dependencies=[READS_STUDENTS])

After = Annotated[str | None, Query(max_length=2000)]
# Courses of which changes are asked for at once, and those shown of them.
_COURSES, _SHOWN = 100, 25
_PAIRS = 10
# The present week and eight that are over; weeks of actions.
_WEEKS, _ACTION_WEEKS = 9, 8
_BARS = Box(380, 110, 24, 10)


@router.get("/school")
async def get_school(
    request: Request, services: CurrentServices, parts: CurrentApp, after: After = None
) -> Response:
    """Return the figures of the courses and students in the reader's sight."""
    top = students_seen(request)
    zone = parts.settings.school_timezone
    changes, cohort, weeks = await asyncio.gather(
        services.dropout.changes(top=top, after=after, limit=_COURSES),
        services.staffstuddash.cohort(),
        services.staffstuddash.action_weeks(weeks=_ACTION_WEEKS, timezone=zone),
    )
    found, figures, counts = map(optional, (changes, cohort, weeks))
    courses = course_shares(found["items"]) if found else []
    shown = [one.course for one in courses[:_SHOWN]]
    activity, names, titles = await asyncio.gather(
        _activity(services, shown),
        _names(services, pair_ids(figures, _PAIRS) if figures else []),
        parts.titles.of(services, shown),
    )
    context = {
        "top": top,
        "courses": None if found is None else courses[:_SHOWN],
        "course_count": len(courses),
        "places_as_of": max((one["as_of"] for one in found["items"]), default=None)
        if found
        else None,
        "figures_as_of": figures and figures["as_of"],
        "following": found and found["next"],
        "material": None if figures is None else material_hints(figures),
        "is_small": any(map(is_too_small, (cohort, weeks))),
        "smallest": SMALLEST_GROUP,
        "heat": activity and heat_map(activity),
        "is_heat_known": activity is not None or found is None or not shown,
        "shades": Shade,
        "pairs": None if figures is None else pairs_of(figures, names or {}, _PAIRS),
        "names_known": names is not None,
        "weeks": counts and action_weeks(counts["items"], _BARS),
        "titles": titles,
    }
    return page(request, "school.html", context)


async def _activity(services: Services, courses: list[str]) -> Any:
    if not courses:
        return None
    return optional(await services.dropout.weekly_activity(courses=courses, weeks=_WEEKS))


async def _names(services: Services, ids: list[str]) -> dict[str, str] | None:
    """Return names by id; None if they are not known now."""
    if not ids:
        return {}
    found = optional(await services.staffstuddash.students(student_ids=ids))
    return None if found is None else {one["id"]: one["name"] for one in found["items"]}
