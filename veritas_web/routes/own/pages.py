"""Student's own pages: work and marks, steps and answers, kept data and their reads."""

import asyncio
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from shared_db.ids import new_id
from veritas_web.dependencies import OWN, CurrentApp, CurrentServices, OwnId
from veritas_web.domain.marked import N_
from veritas_web.domain.own.reads import ROLES, reads_of
from veritas_web.domain.own.records import STATES, STEPS, Records, kinds_of, steps_of, work_of
from veritas_web.errors import ServiceAway
from veritas_web.pages import page
from veritas_web.routes.places import OWN_START
from veritas_web.services.all import Services
from veritas_web.services.rest import Refused
from veritas_web.services.results import optional, required

router = APIRouter(prefix=OWN_START, dependencies=[OWN])

_LONGEST_ANSWER = 500
_READS = 500
_SEE_OTHER, _INVALID = 303, 422


@router.get("")
async def get_own_page(
    request: Request,
    services: CurrentServices,
    student_id: OwnId,
    answered: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """Return own work, marks, and steps of staff; answered: an answer was just stored."""
    context = await _own(services, student_id)
    return page(request, "own/page.html", context | {"is_answered": bool(answered)})


@router.post("/answers")
async def add_answer(
    request: Request,
    services: CurrentServices,
    student_id: OwnId,
    name: Annotated[str, Form(min_length=1, max_length=100)],
    text: Annotated[str, Form(max_length=5000)] = "",
) -> Response:
    """Store an answer, and return to the own page; name: of the form, so that it counts once."""
    written = text.strip()
    if not written:
        problem = N_("Write your answer.")
    elif len(written) > _LONGEST_ANSWER:
        problem = N_("Use at most 500 characters.")
    else:
        sent = await services.own.add_answer(student_id, {"text": written}, name)
        if not (isinstance(sent, Refused) and sent.status == _INVALID):
            if required(sent) is None:
                raise ServiceAway
            return RedirectResponse(f"{OWN_START}?answered=true", _SEE_OTHER)
        problem = sent.detail
    context = await _own(services, student_id)
    context |= {"is_answered": False, "problem": problem, "text": written}
    return page(request, "own/page.html", context, _INVALID)


@router.get("/data")
async def get_own_data(request: Request, services: CurrentServices, student_id: OwnId) -> Response:
    """Return the kinds of data that the school keeps of the reader."""
    records = services.own
    found = await asyncio.gather(
        records.marks(student_id),
        records.guardians(student_id),
        records.identifiers(student_id),
        records.shown_actions(student_id),
    )
    kinds = kinds_of(Records(*map(optional, found)))
    return page(request, "own/data.html", {"kept": kinds})


@router.get("/reads")
async def get_own_reads(
    request: Request, services: CurrentServices, parts: CurrentApp, student_id: OwnId
) -> Response:
    """Return the reads of the reader's data, by day and role."""
    found = await asyncio.gather(
        services.own.reads(student_id, limit=_READS),
        services.dropout.reads(student_id, limit=_READS),
    )
    known = [one for one in map(optional, found) if one is not None]
    context = {
        "is_known": bool(known),
        "is_complete": len(known) == len(found),
        "reads": reads_of(known, ZoneInfo(parts.settings.school_timezone)),
        "roles": ROLES,
    }
    return page(request, "own/reads.html", context)


async def _own(services: Services, student_id: str) -> dict[str, Any]:
    records = services.own
    submitted, marked, shown = await asyncio.gather(
        services.dropout.submissions(student_id, course=None),
        records.marks(student_id),
        records.shown_actions(student_id),
    )
    submissions, marks, actions = map(optional, (submitted, marked, shown))
    ahead, before = work_of(submissions["items"] if submissions else [])
    steps, answers = steps_of(actions["items"] if actions else [])
    return {
        "is_work_known": submissions is not None,
        "ahead": ahead,
        "before": before,
        "states": STATES,
        "marks": marks,
        "are_steps_known": actions is not None,
        "steps": steps,
        "answers": answers,
        "step_names": STEPS,
        "form_name": new_id(),
        "longest_answer": _LONGEST_ANSWER,
        "problem": None,
        "text": "",
    }
