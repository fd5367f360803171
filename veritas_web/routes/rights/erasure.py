"""Erasure of a student, and the legal hold that prevents it."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response

from shared_web.principals import Permission
from veritas_web.dependencies import CurrentServices, allowed
from veritas_web.domain.rights.erasure_words import ACTIVITY, RECORDS, removed_rows
from veritas_web.domain.rights.forms import LONGEST_REASON, reason_problem
from veritas_web.errors import PageNotFound
from veritas_web.pages import page
from veritas_web.routes.rights.outcomes import INVALID, Refusal, refusal_of, see
from veritas_web.services.all import Services
from veritas_web.services.rest import Answer, Away, Refused, Result, segment
from veritas_web.services.results import optional, required

router = APIRouter(prefix="/students/{student_id}", dependencies=[allowed(Permission.ERASE)])

_ERASED, _NONE = "student-gone", "hold-not-found"

Typed = Annotated[str, Form(max_length=500)]
Reason = Annotated[str, Form(max_length=5000)]
Sure = Annotated[bool, Form()]


@router.get("/erase")
async def get_erasure(request: Request, services: CurrentServices, student_id: str) -> Response:
    """Return the question before an erasure, or the rest after it."""
    return page(request, "rights/erase.html", await _erasure(services, student_id))


@router.post("/erase")
async def erase_student(
    request: Request, services: CurrentServices, student_id: str, typed: Typed = ""
) -> Response:
    """Erase a student in both services; repeating it changes nothing.

    The school's records come first: the second service erases only after them.
    """
    if typed.strip() != student_id:
        context = await _erasure(services, student_id)
        return page(request, "rights/erase.html", context | {"is_mistyped": True}, INVALID)
    result = await services.records.erase(student_id)
    if isinstance(result, Answer):
        followed = await services.activity_records.erase(student_id)
        context = await _erasure(services, student_id) | {
            "state": "erased",
            "removed": removed_rows(result.data["removed"], RECORDS),
        }
        if isinstance(followed, Answer):
            removed = removed_rows(followed.data["removed"], ACTIVITY)
            context |= {"activity_state": "gone", "activity_removed": removed}
        return page(request, "rights/erase.html", context)
    refusal = refusal_of(result)
    context = await _erasure(services, student_id)
    status = refusal.status if refusal else 200
    return page(
        request, "rights/erase.html", context | {"refusal": refusal, "typed": typed}, status
    )


@router.get("/hold")
async def get_hold(request: Request, services: CurrentServices, student_id: str) -> Response:
    """Return the legal hold of a student, or the form to set one."""
    return page(request, "rights/hold.html", await _hold(services, student_id))


@router.post("/hold")
async def put_hold(
    request: Request, services: CurrentServices, student_id: str, reason: Reason = ""
) -> Response:
    """Hold a student, or replace the reason."""
    wanted = reason.strip()
    problem = reason_problem(wanted)
    refusal = None if problem else refusal_of(await services.rights.put_hold(student_id, wanted))
    if problem is None and refusal is None:
        return see(f"/students/{segment(student_id)}/hold")
    given = {"reason": wanted, "problem": problem, "refusal": refusal}
    return await _hold_again(request, services, student_id, given)


@router.post("/hold/lift")
async def lift_hold(
    request: Request,
    services: CurrentServices,
    student_id: str,
    sure: Sure = False,  # noqa: FBT002 - of a form
) -> Response:
    """Lift the hold, once the reader has confirmed the consequence."""
    if not sure:
        return await _hold_again(request, services, student_id, {"is_unsure": True})
    result = await services.rights.lift_hold(student_id)
    is_repeated = isinstance(result, Refused) and result.slug == _NONE
    refusal = None if is_repeated else refusal_of(result)
    if refusal is None:
        return see(f"/students/{segment(student_id)}/hold")
    return await _hold_again(request, services, student_id, {"refusal": refusal})


async def _hold_again(
    request: Request, services: Services, student_id: str, given: dict[str, Any]
) -> Response:
    context = await _hold(services, student_id) | given
    refusal: Refusal | None = context["refusal"]
    return page(request, "rights/hold.html", context, refusal.status if refusal else INVALID)


async def _erasure(services: Services, student_id: str) -> dict[str, Any]:
    """Return the state of an erasure: the rows of each service, and the hold.

    Raises:
        PageNotFound: no service knows the id.

    """
    student, hold, activity = await asyncio.gather(
        services.records.student(student_id),
        services.rights.hold(student_id),
        services.activity_records.student(student_id),
    )
    return {
        "student_id": student_id,
        "state": _state(student, activity),
        "student": optional(student),
        "hold": optional(hold),
        "is_hold_known": not isinstance(hold, Away),
        "activity_state": _activity_state(activity),
        "records": tuple(dict.fromkeys(RECORDS.values())),
        "activity": tuple(dict.fromkeys(ACTIVITY.values())),
        "removed": (),
        "activity_removed": (),
        "is_mistyped": False,
        "typed": "",
        "refusal": None,
    }


def _state(student: Result, activity: Result) -> str:
    """Return the state in the school's records: stored, erased, elsewhere, unknown."""
    match student:
        case Answer():
            return "stored"
        case Refused(slug=slug) if slug == _ERASED:
            return "erased"
        case Refused(status=PageNotFound.status) if isinstance(activity, Answer):
            return "elsewhere"
        case Refused():
            required(student)
    return "unknown"


def _activity_state(activity: Result) -> str:
    """Return the state of the second service, which hides erased rows until they are gone."""
    match activity:
        case Answer():
            return "stored"
        case Refused(slug="student-deleted"):
            return "hidden"
        case Refused(status=PageNotFound.status):
            return "gone"
    return "unknown"


async def _hold(services: Services, student_id: str) -> dict[str, Any]:
    student, hold = await asyncio.gather(
        services.records.student(student_id), services.rights.hold(student_id)
    )
    found = optional(hold)
    return {
        "student_id": student_id,
        "student": required(student),
        "hold": found,
        "is_known": found is not None or (isinstance(hold, Refused) and hold.slug == _NONE),
        "reason": found["reason"] if found else "",
        "longest": LONGEST_REASON,
        "problem": None,
        "is_unsure": False,
        "refusal": None,
    }
