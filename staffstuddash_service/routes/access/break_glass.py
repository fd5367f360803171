"""Routes of break-glass: sight of a student outside the rights of a person, on record."""

from typing import Annotated

from fastapi import APIRouter, Response

from shared_db.queries.pagination import MalformedCursor
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission, Principal
from shared_web.problems import InvalidRequest, documented
from shared_web.query.pagination import After, Limit, PageOut
from shared_web.requests.idempotency import mark_replay
from staffstuddash_service.dependencies import Datastore
from staffstuddash_service.errors import (
    BreakGlassForStaff,
    BreakGlassNotFound,
    BreakGlassNotNeeded,
    StudentErased,
    StudentInSight,
    StudentMerged,
    StudentNotFound,
)
from staffstuddash_service.routes.path_parameters import OpeningId, StudentId
from staffstuddash_service.schemas.break_glass import BreakGlassOut, NewBreakGlass

router = APIRouter(tags=["access"], route_class=AdmittedRoute)

Reader = Annotated[Principal, needs(Permission.STUDENTS_READ)]
REVIEW = needs(Permission.PEOPLE_MANAGE, or_sees_all=True)


@router.post(
    "/students/{student_id}/break-glass",
    status_code=201,
    responses=documented(
        StudentNotFound,
        StudentErased,
        StudentMerged,
        StudentInSight,
        BreakGlassNotNeeded,
        BreakGlassForStaff,
    ),
)
def open_student(
    student_id: StudentId,
    new: NewBreakGlass,
    datastore: Datastore,
    principal: Reader,
    response: Response,
) -> BreakGlassOut:
    """Open a student outside of the caller's rights for 24 hours, on record, in both services.

    While an opening is in force, it is the answer, and nothing is extended.
    """
    person = principal.person
    if person is None or person.sees_all:
        raise BreakGlassNotNeeded
    if person.id is None:
        raise BreakGlassForStaff
    opened, is_replay = datastore.break_glass.open(student_id, person.id, new.reason)
    mark_replay(response, is_replay=is_replay)
    return BreakGlassOut.model_validate(opened)


@router.get(
    "/break-glass", dependencies=[REVIEW], responses=documented(InvalidRequest, MalformedCursor)
)
def list_openings(
    datastore: Datastore, after: After = None, limit: Limit = 100
) -> PageOut[BreakGlassOut]:
    """Return all openings with their reasons, the latest first; also to persons who see all."""
    return PageOut[BreakGlassOut].of(datastore.break_glass.search(after=after, limit=limit))


@router.delete(
    "/break-glass/{opening_id}", status_code=204, responses=documented(BreakGlassNotFound)
)
def end_opening(
    opening_id: OpeningId, datastore: Datastore, principal: Reader, response: Response
) -> None:
    """End an opening at once: the caller's own, or that of anybody for reviewers of openings."""
    owner = None if _reviews(principal) else (principal.person and principal.person.id) or ""
    is_ended = datastore.break_glass.end(opening_id, actor=principal.name, person_id=owner)
    mark_replay(response, is_replay=not is_ended)


def _reviews(principal: Principal) -> bool:
    if principal.person is not None:
        return principal.person.sees_all
    return principal.may(Permission.PEOPLE_MANAGE)
