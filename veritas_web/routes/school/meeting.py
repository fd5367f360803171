"""Agenda of the weekly meeting, to be printed."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response

from shared_db.clock import utc_now
from veritas_web.dependencies import READS_STUDENTS, CurrentApp, CurrentServices
from veritas_web.domain.school.meeting import agenda, classes_with_news, due_steps, student_ids
from veritas_web.domain.school.overview import SMALLEST_GROUP
from veritas_web.domain.today import material_hints
from veritas_web.pages import page
from veritas_web.services.all import Services
from veritas_web.services.results import is_too_small, optional
from veritas_web.sessions.seen import students_seen

router = APIRouter(dependencies=[READS_STUDENTS])

_AHEAD = timedelta(days=7)
_MOST_CLASSES, _MOST_STEPS, _MOST_NAMES = 25, 100, 500

Chosen = Annotated[
    list[Annotated[str, Query(max_length=200)]],
    Query(alias="class", max_length=_MOST_CLASSES, default_factory=list),
]


@router.get("/meeting")
async def get_meeting(
    request: Request, services: CurrentServices, parts: CurrentApp, classes: Chosen
) -> Response:
    """Return the agenda of the chosen classes, by default of those with most news."""
    top = students_seen(request)
    today = utc_now().astimezone(ZoneInfo(parts.settings.school_timezone)).date()
    planned, changes, cohort = await asyncio.gather(
        services.staffstuddash.planned_actions(
            assigned_to=None, due_until=today + _AHEAD, limit=_MOST_STEPS
        ),
        services.dropout.changes(top=top),
        services.staffstuddash.cohort(),
    )
    offered, steps, figures = map(optional, (changes, planned, cohort))
    listed: list[Mapping[str, Any]] = offered["items"] if offered else []
    chosen = list(dict.fromkeys(filter(None, classes))) or classes_with_news(listed)
    found = await _news(services, chosen, top) if offered is not None else None
    actions = steps["items"] if steps else []
    names, titles = await asyncio.gather(
        _names(services, student_ids(actions, found or [])),
        parts.titles.of(services, [*chosen, *(one["course"] for one in listed)]),
    )
    context = {
        "today": today,
        "offered": list(dict.fromkeys([*(one["course"] for one in listed), *chosen])),
        "chosen": chosen,
        "is_chosen": bool(classes),
        "most": _MOST_CLASSES,
        "agenda": None if found is None else agenda(found, names or {}, chosen),
        "has_places": bool(listed),
        "steps": None if steps is None else due_steps(actions, names or {}, today),
        "has_more_steps": bool(steps and steps["next"]),
        "material": None if figures is None else material_hints(figures),
        "is_small": is_too_small(cohort),
        "smallest": SMALLEST_GROUP,
        "names_known": names is not None,
        "titles": titles,
    }
    return page(request, "meeting.html", context)


async def _news(
    services: Services, courses: Sequence[str], top: int
) -> list[Mapping[str, Any]] | None:
    """Return the changes of the chosen classes with reasons; None if they are not known now."""
    if not courses:
        return []
    found = optional(
        await services.dropout.changes(top=top, courses=courses, reasons=True, limit=len(courses))
    )
    return None if found is None else list(found["items"])


async def _names(services: Services, ids: list[str]) -> dict[str, str] | None:
    """Return names by id; None if they are not known now."""
    if not ids:
        return {}
    asked = ids[:_MOST_NAMES]
    found = optional(await services.staffstuddash.students(student_ids=asked, limit=len(asked)))
    return None if found is None else {one["id"]: one["name"] for one in found["items"]}
