"""Students: their search, the page of one, and notes about them."""

import asyncio
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from shared_db.clock import utc_now
from shared_db.ids import new_id
from veritas_web.dependencies import STAFF, CurrentApp, CurrentServices, CurrentViewer
from veritas_web.domain.action_words import CHANGED
from veritas_web.domain.reasons import topic_of
from veritas_web.domain.student_page import (
    active_days_after,
    of_course,
    places,
    reasons_of,
    share_of_largest,
    time_line,
)
from veritas_web.domain.write_down import KINDS, LONGEST_NOTE, REASONS, Kind, Note
from veritas_web.errors import ServiceAway
from veritas_web.pages import page
from veritas_web.services.all import Services
from veritas_web.services.rest import Answer, Away, Refused, Result
from veritas_web.services.results import optional, required
from veritas_web.viewer import Viewer

router = APIRouter(prefix="/students", dependencies=[STAFF])

_PAGE = 50
_SEE_OTHER = 303
_INVALID = 422
_DRAFTS = "drafts.read"
_RESTRICTED = "student-restricted"
# Full predictions are long: weeks of one course, or of a few courses.
_OF_A_COURSE, _OF_ALL_COURSES = 13, 30

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
    context = await _about(services, viewer, student_id, course)
    titles = await parts.titles.of(services, [context["course"], *context["courses"]])
    noted = {"action": action, "feedback": feedback.split(":", 1) if feedback else None}
    return page(request, "student.html", context | {"noted": noted, "titles": titles})


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
    problems = note.problems()
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


async def _about(
    services: Services, viewer: Viewer, student_id: str, course: str | None
) -> dict[str, Any]:
    staff = services.staffstuddash
    asked = [staff.student(student_id), staff.student_actions(student_id)]
    if viewer.may(_DRAFTS) or viewer.is_developer:
        asked.append(staff.drafts(student_id))
    (first, *others), predicted = await asyncio.gather(
        asyncio.gather(*asked), _predicted(services, student_id, course)
    )
    student = required(first)
    actions, *drafts = map(optional, others)
    result, activity, submissions = predicted
    predictions = optional(result)
    known = of_course(predictions["items"] if predictions else [], course)
    latest = known[0] if known else None
    chosen: str | None = course or (latest["course"] if latest else None)
    weeks = activity["items"] if activity else []
    rows = [one for one in (actions["items"] if actions else []) if one["action"] != CHANGED]
    signs, further = reasons_of(latest) if latest else ([], [])
    return {
        "student_id": student_id,
        "student": student,
        "course": chosen,
        "courses": _courses(predictions),
        "latest": latest,
        "is_predicted": not isinstance(result, Away),
        "is_restricted": isinstance(result, Refused) and result.slug == _RESTRICTED,
        "signs": signs,
        "others": further,
        "share_of": share_of_largest,
        "before": known[1] if len(known) > 1 else None,
        "places": places(known),
        "line": time_line(
            weeks,
            submissions["items"] if submissions else [],
            drafts[0]["items"] if drafts and drafts[0] else [],
            rows,
            latest["as_of"] if latest else None,
            utc_now().date(),
        ),
        "is_active_known": activity is not None,
        "submissions": submissions and submissions["items"],
        "actions": None if actions is None else rows,
        "after": {one["id"]: active_days_after(one, weeks) for one in rows},
        "topic_of": topic_of,
        "prediction_id": latest and latest["id"],
        "note": None,
        "problems": {},
        "people": None,
        **_choices(),
    }


async def _predicted(
    services: Services, student_id: str, course: str | None
) -> tuple[Result, Any, Any]:
    """Return the predictions, and activity and work in the course that they are about.

    With a course, all are asked for at once; one without predictions of its own has the overall
    ones. Without a course, the latest prediction names it.
    """
    dropout = services.dropout
    if course is None:
        found = await dropout.predictions(student_id, limit=_OF_ALL_COURSES)
        known = of_course(found.data["items"], None) if isinstance(found, Answer) else []
        chosen = known[0]["course"] if known else None
        blocks = await _in_course(services, student_id, chosen)
        return found, *blocks
    found, blocks = await asyncio.gather(
        dropout.predictions(student_id, course=course, limit=_OF_A_COURSE),
        _in_course(services, student_id, course),
    )
    if isinstance(found, Answer) and not found.data["items"]:
        found = await dropout.predictions(student_id, limit=_OF_ALL_COURSES)
    return found, *blocks


async def _in_course(services: Services, student_id: str, course: str | None) -> tuple[Any, Any]:
    activity, submissions = await asyncio.gather(
        services.dropout.activity(student_id, course=course),
        services.dropout.submissions(student_id, course=course),
    )
    return optional(activity), optional(submissions)


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
        **_choices(),
    }


def _courses(predictions: dict[str, Any] | None) -> list[str]:
    items = predictions["items"] if predictions else []
    return sorted({one["course"] for one in items if one["course"]})


def _choices() -> dict[str, Any]:
    return {
        "kinds": KINDS,
        "feedback_reasons": REASONS,
        "longest_note": LONGEST_NOTE,
        "form_name": new_id(),
    }


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _path(request: Request) -> str:
    return request.url.path.removesuffix("/write-down")
