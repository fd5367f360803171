"""Blocks of a student's page from the services; each may be not known now."""

import asyncio
from typing import Any

from shared_db.clock import utc_now
from shared_db.ids import new_id
from veritas_web.domain.action_words import ANSWER, CHANGED, STUDENT_ACTOR
from veritas_web.domain.reasons import topic_of
from veritas_web.domain.student_page import (
    active_days_after,
    of_course,
    places,
    reasons_of,
    share_of_largest,
    time_line,
)
from veritas_web.domain.write_down import KINDS, LONGEST_NOTE, REASONS, VERDICTS
from veritas_web.services.all import Services
from veritas_web.services.rest import Answer, Away, Refused, Result
from veritas_web.services.results import optional, required
from veritas_web.viewer import Viewer

_DRAFTS = "drafts.read"
_RESTRICTED = "student-restricted"
# Full predictions are long: weeks of one course, or of a few courses.
_OF_A_COURSE, _OF_ALL_COURSES = 13, 30


async def student_blocks(
    services: Services, viewer: Viewer, student_id: str, course: str | None
) -> dict[str, Any]:
    """Return the blocks of a student's page; most are asked for at once.

    Raises:
        PageNotFound: there is no such student in the reader's sight.

    """
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
    given = await _verdicts(services, latest)
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
        "student_answer": ANSWER,
        "student_actor": STUDENT_ACTOR,
        "topic_of": topic_of,
        "given": given,
        "verdicts": VERDICTS,
        "prediction_id": latest and latest["id"],
        "note": None,
        "problems": {},
        "people": None,
        **choices(),
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


async def _verdicts(services: Services, latest: Any) -> list[dict[str, Any]] | None:
    """Return the verdicts on a prediction that were not taken back; None: not known now."""
    if latest is None:
        return []
    found = optional(await services.dropout.feedback(latest["id"]))
    if found is None:
        return None
    return [one for one in found["items"] if one["withdrawn_at"] is None]


def choices() -> dict[str, Any]:
    """Return what the form to write down offers."""
    return {
        "kinds": KINDS,
        "feedback_reasons": REASONS,
        "longest_note": LONGEST_NOTE,
        "form_name": new_id(),
    }


def _courses(predictions: dict[str, Any] | None) -> list[str]:
    items = predictions["items"] if predictions else []
    return sorted({one["course"] for one in items if one["course"]})
