"""Classes and courses: the list of them, and the students of one."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from veritas_web.dependencies import STAFF, CurrentApp, CurrentServices, Parts
from veritas_web.domain.class_list import (
    Change,
    Row,
    by_change,
    of_reason,
    rows_of,
    shared_reasons,
    whole_weeks,
    with_activity,
    with_risks,
    with_students,
)
from veritas_web.domain.reasons import message_for, topic_of
from veritas_web.domain.today import late_in
from veritas_web.pages import page
from veritas_web.routes.effects import talks_context
from veritas_web.services.all import Services
from veritas_web.services.results import optional, required
from veritas_web.sessions.seen import students_seen

router = APIRouter(dependencies=[STAFF])

# The present week and eight that are over.
_WEEKS = 9
_PAGE = 50
# So many at once that the titles of all of them can be asked for.
_COURSES = 25

After = Annotated[str | None, Query(max_length=2000)]
Search = Annotated[str, Query(max_length=100)]


@router.get("/classes")
async def list_classes(
    request: Request, services: CurrentServices, parts: CurrentApp, after: After = None
) -> Response:
    """Return the classes and courses in the reader's sight."""
    found = required(await services.dropout.courses(after=after, limit=_COURSES))
    courses = [one["id"] for one in found["items"]] if found else []
    titles = await parts.titles.of(services, courses)
    return page(request, "classes.html", {"courses": found, "titles": titles})


@router.get("/classes/{course}")
async def get_class(
    request: Request,
    services: CurrentServices,
    parts: CurrentApp,
    course: str,
    reason: Annotated[str | None, Query(max_length=100)] = None,
    q: Search = "",
) -> Response:
    """Return the students to talk with first, by change; with `q` those of that name."""
    top = students_seen(request)
    search = q.strip()
    listed = _searched(services, course, search) if search else _changed(services, course, top)
    (rows, about), talks = await asyncio.gather(listed, parts.followed.of(services, course))
    shown = of_reason(rows, reason)
    context = {
        "course": course,
        **await _about(services, parts, course),
        "top": top,
        "search": search,
        "reason": reason,
        "shared": shared_reasons(rows),
        "groups": by_change(shown),
        "changes": Change,
        "topic_of": topic_of,
        "message": message_for(reason) if reason else None,
        **talks_context(talks),
        **about,
    }
    return page(request, "class.html", context)


@router.get("/classes/{course}/all")
async def list_class(
    request: Request,
    services: CurrentServices,
    parts: CurrentApp,
    course: str,
    after: After = None,
) -> Response:
    """Return all students of the class by place."""
    risks = required(
        await services.dropout.course_risks(course, history=1, after=after, limit=_PAGE)
    )
    items = risks["items"] if risks else []
    rows, about = await _completed(services, course, _other_rows(items), risks or {"items": []})
    context = {
        "course": course,
        **await _about(services, parts, course),
        "rows": rows,
        "following": risks and risks["next"],
        "is_known": risks is not None,
        "bands": risks and risks["bands"],
        "topic_of": topic_of,
        **about,
    }
    return page(request, "class_all.html", context)


async def _about(services: Services, parts: Parts, course: str) -> dict[str, Any]:
    """Return the title of the course, and its data that are late."""
    titles, late = await asyncio.gather(
        parts.titles.of(services, [course]), parts.late.of(services)
    )
    return {"titles": titles, "stale": late_in(late, {course})}


async def _changed(services: Services, course: str, top: int) -> tuple[list[Row], dict[str, Any]]:
    changes = required(await services.dropout.course_changes(course, top=top))
    if changes is None:
        return await _without_places(services, course)
    rows = rows_of(changes)
    rows, about = await _completed(services, course, rows, None)
    return rows, {**about, "places": changes}


async def _searched(
    services: Services, course: str, search: str
) -> tuple[list[Row], dict[str, Any]]:
    students = required(await services.staffstuddash.students_of_course(course, search=search))
    if students is None:
        away = {"risks_known": True, "names_known": False, "activity": None, "places": None}
        return [], away
    items = students["items"]
    rows = [Row(student["student_id"], Change.OTHER) for student in items]
    rows, about = await _completed(services, course, rows, None, students=students)
    return rows, {**about, "places": None}


async def _without_places(services: Services, course: str) -> tuple[list[Row], dict[str, Any]]:
    """Return the students by id while dropout is away."""
    students = required(await services.staffstuddash.students_of_course(course, limit=_PAGE))
    items = students["items"] if students else []
    rows = [Row(student["student_id"], Change.OTHER) for student in items]
    about = {"places": None, "risks_known": False, "names_known": students is not None}
    return with_students(rows, items), {**about, "activity": None}


async def _completed(
    services: Services,
    course: str,
    rows: list[Row],
    risks: dict[str, Any] | None,
    *,
    students: dict[str, Any] | None = None,
) -> tuple[list[Row], dict[str, Any]]:
    """Return the rows with all that is known of them, and the answers that came."""
    ids = [row.student_id for row in rows]
    if not ids:
        return [], {"risks_known": True, "names_known": True, "activity": None}
    asked: list[Any] = [services.dropout.course_activity(course, student_ids=ids, weeks=_WEEKS)]
    if students is None:
        asked.append(services.staffstuddash.students_of_course(course, student_ids=ids, limit=1000))
    if risks is None:
        asked.append(services.dropout.course_risks(course, student_ids=ids, history=1, limit=1000))
    found = [optional(each) for each in await asyncio.gather(*asked)]
    activity = found.pop(0)
    if students is None:
        students = found.pop(0)
    known_risks = risks if risks is not None else found.pop(0)
    if known_risks:
        rows = with_risks(rows, known_risks["items"], known_risks.get("bands"))
    if students:
        rows = with_students(rows, students["items"])
    if activity:
        rows = with_activity(rows, activity)
    about = {
        "risks_known": known_risks is not None,
        "names_known": students is not None,
        "activity": activity,
        "weeks": whole_weeks(activity) if activity else None,
    }
    return rows, about


def _other_rows(items: list[dict[str, Any]]) -> list[Row]:
    return [Row(item["student_id"], Change.OTHER) for item in items]
