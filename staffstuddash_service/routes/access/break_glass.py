"""Routes of break-glass: sight of a student outside the rights of a person, on record."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

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
from staffstuddash_service.schemas.break_glass import (
    AcknowledgementOut,
    BreakGlassOut,
    NewBreakGlass,
    ReviewedOpeningOut,
)

router = APIRouter(tags=["access"], route_class=AdmittedRoute)

Reader = Annotated[Principal, needs(Permission.STUDENTS_READ)]
Reviewer = Annotated[Principal, needs(Permission.PEOPLE_MANAGE, or_sees_all=True)]
Acknowledged = Annotated[
    bool | None, Query(description="Only those that the caller has acknowledged, or has not.")
]


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


@router.get("/break-glass", responses=documented(InvalidRequest, MalformedCursor))
def list_openings(
    datastore: Datastore,
    principal: Reviewer,
    acknowledged: Acknowledged = None,
    after: After = None,
    limit: Limit = 100,
) -> PageOut[ReviewedOpeningOut]:
    """Return all openings with their reasons, the latest first; also to persons who see all."""
    page = datastore.break_glass.search(
        reviewer=principal.name, acknowledged=acknowledged, after=after, limit=limit
    )
    items = [ReviewedOpeningOut.of(one) for one in page.items]
    return PageOut[ReviewedOpeningOut](items=items, next=page.next)


@router.post("/break-glass/{opening_id}/acknowledge", responses=documented(BreakGlassNotFound))
def acknowledge_opening(
    opening_id: OpeningId, datastore: Datastore, principal: Reviewer, response: Response
) -> AcknowledgementOut:
    """Note that the caller knows of an opening, which is then no notice of `GET /me` any more."""
    opened, is_replay = datastore.break_glass.acknowledge(opening_id, principal.name)
    mark_replay(response, is_replay=is_replay)
    return AcknowledgementOut(by=principal.name, at=opened.acknowledgements[principal.name])


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
