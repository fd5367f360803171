"""Routes of the action log."""

from typing import Annotated

from fastapi import APIRouter, Response

from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission, Principal
from shared_web.problems import documented
from shared_web.query.pagination import After, Limit, PageOut
from shared_web.requests.expensive_reads import EXPENSIVE_IF_SEARCHED
from shared_web.requests.idempotency import IdempotencyKey, mark_replay, row_id
from staffstuddash_service.dependencies import Datastore
from staffstuddash_service.errors import ActionExists, StudentErased, StudentMerged, StudentNotFound
from staffstuddash_service.routes.filters import LISTING, ActionFilters
from staffstuddash_service.routes.path_parameters import StudentId
from staffstuddash_service.schemas.actions import ActionOut, NewAction

router = APIRouter(tags=["actions"], route_class=AdmittedRoute)

READ = needs(Permission.ACTIONS_READ)
Writer = Annotated[Principal, needs(Permission.ACTIONS_WRITE)]

ABSENT = documented(StudentNotFound, StudentErased, StudentMerged)


@router.post(
    "/students/{student_id}/actions",
    status_code=201,
    responses=documented(StudentNotFound, StudentErased, ActionExists),
)
def add_action(
    student_id: StudentId,
    new: NewAction,
    datastore: Datastore,
    principal: Writer,
    response: Response,
    key: IdempotencyKey = None,
) -> ActionOut:
    """Store an action about the student; the actor is the caller's key."""
    action = datastore.actions.add(
        student_id, principal.name, **dict(new), action_id=row_id(None, key, principal)
    )
    mark_replay(response, is_replay=action.is_replay)
    return ActionOut.model_validate(action)


@router.get("/students/{student_id}/actions", dependencies=[READ], responses=ABSENT | LISTING)
def list_student_actions(
    student_id: StudentId, datastore: Datastore, after: After = None, limit: Limit = 100
) -> PageOut[ActionOut]:
    """Return the actions about the student, the latest first."""
    page = datastore.actions.search_by_student(student_id, after=after, limit=limit)
    return PageOut[ActionOut].of(page)


@router.get("/actions", dependencies=[READ, EXPENSIVE_IF_SEARCHED], responses=LISTING)
def list_actions(
    datastore: Datastore, filters: ActionFilters, after: After = None, limit: Limit = 100
) -> PageOut[ActionOut]:
    """Return the actions about all students, the latest first."""
    page = datastore.actions.search(filters=filters, after=after, limit=limit)
    return PageOut[ActionOut].of(page)
