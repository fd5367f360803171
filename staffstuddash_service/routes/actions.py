"""Routes of the action log."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission, Principal
from shared_web.problems import InvalidRequest, documented
from shared_web.query.pagination import After, Limit, PageOut
from shared_web.requests.expensive_reads import EXPENSIVE_IF_SEARCHED
from shared_web.requests.idempotency import IdempotencyKey, mark_replay, row_id
from staffstuddash_service.dependencies import Datastore
from staffstuddash_service.domain.follow_ups.states import ActionOrder
from staffstuddash_service.errors import (
    ActionExists,
    ActionNotFound,
    ActionUnchangeable,
    NotYourAction,
    StudentErased,
    StudentMerged,
    StudentNotFound,
    UnknownReference,
)
from staffstuddash_service.routes.filters import LISTING, ActionFilters
from staffstuddash_service.routes.path_parameters import ActionId, StudentId
from staffstuddash_service.schemas.actions import (
    ActionChange,
    ActionOut,
    NewAction,
    NewAnswer,
    ShownActionOut,
)

router = APIRouter(tags=["actions"], route_class=AdmittedRoute)

READ = needs(Permission.ACTIONS_READ)
Writer = Annotated[Principal, needs(Permission.ACTIONS_WRITE)]
# Also for the student, about themself alone.
READ_OR_OWN = needs(Permission.ACTIONS_READ, own="student_id")
Answerer = Annotated[Principal, needs(Permission.ACTIONS_WRITE, own="student_id")]

Sort = Annotated[
    ActionOrder,
    Query(description="`due_on`: by the day by which they are to be done, those without one last."),
]

ABSENT = documented(StudentNotFound, StudentErased, StudentMerged)


@router.post(
    "/students/{student_id}/actions",
    status_code=201,
    responses=documented(
        StudentNotFound, StudentErased, ActionExists, InvalidRequest, UnknownReference
    ),
)
def add_action(
    student_id: StudentId,
    new: NewAction,
    datastore: Datastore,
    principal: Writer,
    response: Response,
    key: IdempotencyKey = None,
) -> ActionOut:
    """Store an action about the student, done or planned; the actor is the caller."""
    fields = dict(new)
    if new.state == "planned" and new.assigned_to is None and principal.person:
        fields["assigned_to"] = principal.person.id
    action = datastore.actions.add(
        student_id, principal.name, **fields, action_id=row_id(None, key, principal)
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


@router.get(
    "/students/{student_id}/shown-actions", dependencies=[READ_OR_OWN], responses=ABSENT | LISTING
)
def list_shown_actions(
    student_id: StudentId, datastore: Datastore, after: After = None, limit: Limit = 100
) -> PageOut[ShownActionOut]:
    """Return the actions about the student that the student sees, too: done ones, and answers."""
    page = datastore.actions.search_shown_to_student(student_id, after=after, limit=limit)
    items = [ShownActionOut.of(action) for action in page.items]
    return PageOut[ShownActionOut](items=items, next=page.next)


@router.post(
    "/students/{student_id}/answers",
    status_code=201,
    responses=documented(StudentNotFound, StudentErased, ActionExists, InvalidRequest),
)
def add_answer(
    student_id: StudentId,
    new: NewAnswer,
    datastore: Datastore,
    principal: Answerer,
    response: Response,
    key: IdempotencyKey = None,
) -> ShownActionOut:
    """Store an answer of the student, who sent it or told it to the caller."""
    person = principal.person
    is_own = person is not None and person.id == student_id
    action = datastore.actions.add_answer(
        student_id,
        new.text,
        written_by=None if is_own else principal.name,
        action_id=row_id(None, key, principal),
    )
    mark_replay(response, is_replay=action.is_replay)
    return ShownActionOut.of(action)


@router.get("/actions", dependencies=[READ, EXPENSIVE_IF_SEARCHED], responses=LISTING)
def list_actions(
    datastore: Datastore,
    filters: ActionFilters,
    sort: Sort = ActionOrder.LATEST,
    after: After = None,
    limit: Limit = 100,
) -> PageOut[ActionOut]:
    """Return the actions about all students, by default the latest first."""
    page = datastore.actions.search(order=sort, filters=filters, after=after, limit=limit)
    return PageOut[ActionOut].of(page)


@router.patch(
    "/actions/{action_id}",
    responses=documented(
        ActionNotFound, ActionUnchangeable, NotYourAction, StudentErased, UnknownReference
    ),
)
def change_action(
    action_id: ActionId,
    change: ActionChange,
    datastore: Datastore,
    principal: Writer,
    response: Response,
) -> ActionOut:
    """Mark an action as done or withdrawn, or change the day, the person or the note.

    The action log gets `action.changed`. Its actor, its assigned person, and callers with sight of
    all students may withdraw it. A repeated request changes nothing.
    """
    person = principal.person
    action, is_replay = datastore.follow_ups.update(
        action_id,
        change.model_dump(exclude_unset=True),
        actor=principal.name,
        sees_all=person is None or person.sees_all,
    )
    mark_replay(response, is_replay=is_replay)
    return ActionOut.model_validate(action)
