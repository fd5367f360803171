"""Today: the page that a reader sees first."""

import asyncio
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from shared_db.clock import utc_now
from veritas_web.dependencies import STAFF, CurrentApp, CurrentServices, CurrentViewer
from veritas_web.domain.reasons import topic_of
from veritas_web.domain.today import (
    CourseNews,
    crowded,
    material_hints,
    news_of,
    shared_signs,
    steps,
    student_ids,
)
from veritas_web.pages import page
from veritas_web.services.all import Services
from veritas_web.services.results import optional
from veritas_web.sessions.seen import COOKIE, LEAST, MOST, students_seen

router = APIRouter(dependencies=[STAFF])

_AHEAD = timedelta(days=7)
_MOST_NAMES = 100
_SEE_OTHER = 303
_YEAR_SECONDS = 365 * 86_400


@router.get("/")
async def get_today(
    request: Request, services: CurrentServices, viewer: CurrentViewer, parts: CurrentApp
) -> Response:
    """Return the reader's steps, newcomers near the top, and data that are late."""
    today = _today(parts.settings.school_timezone)
    top = students_seen(request)
    planned, changes, late = await asyncio.gather(
        services.staffstuddash.planned_actions(
            assigned_to=viewer.person_id, due_until=today + _AHEAD
        ),
        services.dropout.changes(top=top),
        parts.late.of(services),
    )
    actions, courses = map(_items, map(optional, (planned, changes)))
    context: dict[str, Any] = {
        "top": top,
        "least": LEAST,
        "most": MOST,
        "topic_of": topic_of,
    }
    if actions == [] and courses == []:
        return page(request, "first_steps.html", context | await _first_steps(services))
    named = [one["course"] for one in courses or []] + [one.course for one in late or []]
    material_of = crowded(news_of(courses or [], {}))
    names, titles, material = await asyncio.gather(
        _names(services, student_ids(actions or [], courses or [])),
        parts.titles.of(services, named),
        _material(services, material_of),
    )
    news = news_of(courses or [], names or {})
    context |= {
        "steps": None if actions is None else steps(actions, names or {}, today),
        "news": None if courses is None else news,
        "has_places": bool(courses),
        "shared": shared_signs(news),
        "material_of": material_of,
        "material": material,
        "stale": late,
        "titles": titles,
        "names_known": names is not None,
    }
    return page(request, "today.html", context)


@router.post("/students-seen")
async def choose_students_seen(
    request: Request, _viewer: CurrentViewer, count: Annotated[int, Form(ge=LEAST, le=MOST)]
) -> Response:
    """Keep the number of students for the lists of the reader."""
    response = RedirectResponse("/", _SEE_OTHER)
    response.set_cookie(
        COOKIE,
        str(count),
        max_age=_YEAR_SECONDS,
        samesite="lax",
        httponly=True,
        secure=request.url.scheme == "https",
    )
    return response


async def _first_steps(services: Services) -> dict[str, Any]:
    """Return the presence of students and courses, to name the next step."""
    students, courses = await asyncio.gather(
        services.staffstuddash.students(limit=1), services.dropout.courses(limit=1)
    )
    return {
        "has_students": bool(_items(optional(students))),
        "has_courses": bool(_items(optional(courses))),
    }


async def _material(services: Services, news: CourseNews | None) -> list[Mapping[str, Any]]:
    """Return the hints at the material of a course."""
    if news is None:
        return []
    return material_hints(optional(await services.staffstuddash.cohort(news.course)))


async def _names(services: Services, ids: list[str]) -> dict[str, str] | None:
    """Return names by id; None if they are not known now."""
    if not ids:
        return {}
    found = optional(await services.staffstuddash.students(student_ids=ids[:_MOST_NAMES]))
    return None if found is None else {one["id"]: one["name"] for one in found["items"]}


def _items(data: Any) -> list[dict[str, Any]] | None:
    return None if data is None else list(data["items"])


def _today(zone: str) -> date:
    return utc_now().astimezone(ZoneInfo(zone)).date()
