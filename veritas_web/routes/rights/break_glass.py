"""Openings of students out of sight of staff: with a reason, for a day, on record."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, Response

from shared_db.clock import utc_now
from shared_web.principals import Permission
from veritas_web.dependencies import STAFF, CurrentApp, CurrentServices, CurrentViewer, allowed
from veritas_web.domain.rights.forms import LONGEST_GROUND, SHORTEST_GROUND, ground_problem
from veritas_web.pages import page
from veritas_web.routes.places import own_place
from veritas_web.routes.rights.outcomes import INVALID, Refusal, refusal_of, see
from veritas_web.routes.rights.reads import names_of
from veritas_web.services.rest import Answer
from veritas_web.services.results import optional, required

router = APIRouter(prefix="/break-glass")

# Of persons the service shows the list to these alone, whatever their permissions.
REVIEWER = allowed(or_sees_all=True)
READER = allowed(Permission.STUDENTS_READ)
_PATH = "/break-glass"

After = Annotated[str | None, Query(max_length=2000)]
Id = Annotated[str, Form(max_length=500)]
Ground = Annotated[str, Form(max_length=5000)]


@router.get("", dependencies=[REVIEWER])
async def list_openings(
    request: Request, services: CurrentServices, viewer: CurrentViewer, after: After = None
) -> Response:
    """Return all openings, the latest first."""
    found = required(await services.rights.openings(after=after))
    items = found["items"] if found else []
    students = sorted({one["student_id"] for one in items})
    known, names = await asyncio.gather(
        services.staffstuddash.students(student_ids=students, limit=max(1, len(students))),
        names_of(services, sorted({one["person_id"] for one in items})),
    )
    of_students = optional(known) if students else None
    context = {
        "openings": found,
        "people": names,
        "students": {one["id"]: one["name"] for one in of_students["items"]} if of_students else {},
        "now": utc_now().isoformat(),
        "seen": {one["id"] for one in items if _is_seen(one, viewer.person_id)},
    }
    return page(request, "rights/openings.html", context)


@router.post("/{opening_id}/acknowledge", dependencies=[REVIEWER])
async def acknowledge_opening(
    services: CurrentServices, viewer: CurrentViewer, parts: CurrentApp, opening_id: str
) -> Response:
    """Note that the reader knows of an opening."""
    required(await services.rights.acknowledge(opening_id))
    if viewer.person_id is not None:
        parts.people.forget(viewer.person_id)
    return see(_PATH)


@router.get("/open", dependencies=[STAFF, READER])
async def get_opening_form(
    request: Request, student: Annotated[str, Query(max_length=500)] = ""
) -> Response:
    """Return the form to open a student out of sight of the reader."""
    return _form(request, student, "")


@router.post("/open", dependencies=[STAFF, READER])
async def open_student(
    request: Request, services: CurrentServices, student: Id = "", reason: Ground = ""
) -> Response:
    """Open a student for 24 hours; while an opening is in force, it stays the same."""
    student_id, ground = student.strip(), reason.strip()
    problem = ground_problem(ground)
    if problem or not student_id:
        return _form(request, student_id, ground, problem=problem)
    result = await services.rights.open(student_id, ground)
    if not isinstance(result, Answer):
        return _form(request, student_id, ground, refusal=refusal_of(result))
    return page(request, "rights/opened.html", {"opened": result.data})


@router.post("/{opening_id}/end", dependencies=[READER])
async def end_opening(
    services: CurrentServices, opening_id: str, place: Annotated[str, Form()] = "/students"
) -> Response:
    """End an opening at once, and return to the page."""
    required(await services.rights.end_opening(opening_id))
    return see(own_place(place))


def _form(
    request: Request,
    student_id: str,
    reason: str,
    *,
    problem: str | None = None,
    refusal: Refusal | None = None,
) -> Response:
    is_sent = request.method == "POST"
    context = {
        "student_id": student_id,
        "reason": reason,
        "problem": problem,
        "is_nameless": is_sent and not student_id,
        "lengths": (SHORTEST_GROUND, LONGEST_GROUND),
        "refusal": refusal,
    }
    status = refusal.status if refusal else INVALID if is_sent else 200
    return page(request, "rights/open_student.html", context, status)


def _is_seen(opening: dict[str, Any], person_id: str | None) -> bool:
    return any(one["by"] == person_id for one in opening["acknowledgements"])
