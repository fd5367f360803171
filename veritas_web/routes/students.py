"""Students: their search, the page of one, and notes about them."""

import asyncio
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from shared_db.clock import utc_now
from veritas_web.dependencies import STAFF, CurrentApp, CurrentServices, CurrentViewer
from veritas_web.domain.today import late_in
from veritas_web.domain.write_down import REASONS, Kind, Note
from veritas_web.errors import PageNotFound, ServiceAway, StudentNotInSight
from veritas_web.pages import page
from veritas_web.routes.student_blocks import choices, student_blocks
from veritas_web.services.all import Services
from veritas_web.services.rest import Refused
from veritas_web.services.results import optional, required

router = APIRouter(prefix="/students", dependencies=[STAFF])

_PAGE = 50
_SEE_OTHER = 303
_INVALID = 422

Course = Annotated[str | None, Query(max_length=200)]
Noted = Annotated[str | None, Query(max_length=500)]


@router.get("")
async def list_students(
    request: Request,
    services: CurrentServices,
    q: Annotated[str, Query(max_length=100)] = "",
    after: Annotated[str | None, Query(max_length=2000)] = None,
) -> Response:
    """Return the students in the reader's sight, on wish those of a name."""
    search = q.strip()
    found = required(
        await services.staffstuddash.students(search=search or None, after=after, limit=_PAGE)
    )
    return page(request, "students.html", {"students": found, "search": search})


@router.get("/{student_id}")
async def get_student(
    request: Request,
    services: CurrentServices,
    viewer: CurrentViewer,
    parts: CurrentApp,
    student_id: str,
    course: Course = None,
    action: Noted = None,
    feedback: Noted = None,
) -> Response:
    """Return the page of a student; action, feedback: ids of a new note, to undo it."""
    try:
        context = await student_blocks(services, viewer, student_id, course)
    except PageNotFound as failure:
        raise StudentNotInSight(failure.detail) from failure
    courses = [context["course"], *context["courses"]]
    titles, late = await asyncio.gather(parts.titles.of(services, courses), parts.late.of(services))
    noted = {"action": action, "feedback": feedback.split(":", 1) if feedback else None}
    return page(
        request,
        "student.html",
        context | {"noted": noted, "titles": titles, "stale": late_in(late, courses)},
    )


@router.get("/{student_id}/write-down")
async def get_write_down(
    request: Request,
    services: CurrentServices,
    student_id: str,
    course: Course = None,
    prediction: Noted = None,
) -> Response:
    """Return the form to write something down about a student."""
    context = await _form(services, student_id, course)
    return page(request, "write_down.html", context | {"prediction_id": prediction, "note": None})


@router.post("/{student_id}/write-down")
async def write_down(
    request: Request,
    services: CurrentServices,
    parts: CurrentApp,
    student_id: str,
    name: Annotated[str, Form(min_length=1, max_length=100)],
    kind: Annotated[Kind, Form()] = Kind.TALKED,
    text: Annotated[str, Form(max_length=5000)] = "",
    reason: Annotated[str, Form()] = "",
    due_on: Annotated[str, Form()] = "",
    assigned_to: Annotated[str, Form(max_length=200)] = "",
    prediction_id: Annotated[str, Form(max_length=200)] = "",
    course: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Store a note, and return to the student's page, with a way to undo it.

    name: of the form, by which sending it twice stores it once.
    """
    note = Note(
        kind=kind,
        text=text.strip(),
        reason=reason if reason in REASONS else None,
        due_on=_day(due_on),
        assigned_to=assigned_to or None,
        prediction_id=prediction_id or None,
    )
    problems = note.problems(utc_now().astimezone(ZoneInfo(parts.settings.school_timezone)).date())
    if not problems:
        sent = await _send(services, student_id, note, name)
        if not isinstance(sent, Refused):
            query = urlencode({"course": course, **sent} if course else sent)
            return RedirectResponse(f"{_path(request)}?{query}", _SEE_OTHER)
        problems = {"text": sent.detail}
    context = await _form(services, student_id, course or None)
    context |= {"note": note, "problems": problems, "prediction_id": note.prediction_id}
    return page(request, "write_down.html", context, _INVALID)


@router.post("/{student_id}/feedback/{prediction_id}/{feedback_id}/withdraw")
async def withdraw_feedback(
    request: Request, services: CurrentServices, prediction_id: str, feedback_id: str
) -> Response:
    """Take a verdict back, and return to the student's page."""
    done = required(await services.dropout.withdraw_feedback(prediction_id, feedback_id))
    if done is None:
        raise ServiceAway
    return RedirectResponse(request.url.path.rsplit("/feedback/", 1)[0], _SEE_OTHER)


async def _send(
    services: Services, student_id: str, note: Note, name: str
) -> dict[str, str] | Refused:
    """Store the note; return its id by the name of the page's parameter, to undo it."""
    if note.kind.is_verdict and note.prediction_id:
        result = await services.dropout.add_feedback(note.prediction_id, note.feedback(), name)
    else:
        result = await services.staffstuddash.add_action(student_id, note.action(), name)
    if isinstance(result, Refused) and result.status == _INVALID:
        return result
    stored = required(result)
    if stored is None:
        raise ServiceAway
    if note.kind.is_verdict:
        return {"feedback": f"{note.prediction_id}:{stored['id']}"}
    return {"action": stored["id"]}


async def _form(services: Services, student_id: str, course: str | None) -> dict[str, Any]:
    student, people = await asyncio.gather(
        services.staffstuddash.student(student_id), services.staffstuddash.people()
    )
    found = optional(people)
    return {
        "student_id": student_id,
        "student": required(student),
        "course": course,
        "people": found["items"] if found else None,
        "problems": {},
        **choices(),
    }


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _path(request: Request) -> str:
    return request.url.path.removesuffix("/write-down")
