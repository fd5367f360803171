"""Routes of learning events and of the attempts at questions."""

from fastapi import APIRouter, Request, Response

from dropout_service.database import EventToStore
from dropout_service.dependencies import Manager, manager_of
from dropout_service.errors import EventExists, StudentErased
from dropout_service.routes.filters import EVENTS, OF_A_STUDENT, EventFilters
from dropout_service.routes.path_parameters import StudentId
from dropout_service.schemas.events import AttemptOut, LearningEventOut, NewLearningEvent
from shared_db.errors import Overloaded
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission
from shared_web.problems import documented
from shared_web.query.pagination import After, Limit, PageOut
from shared_web.requests.acknowledgement import QUEUED, intake_of, queued
from shared_web.requests.batches import Batch, BatchOut, batch_route, handle_batch
from shared_web.requests.idempotency import created, key_of, key_parameter, row_id
from shared_web.requests.json_bodies import json_body, read_json

router = APIRouter(tags=["events"], route_class=AdmittedRoute)

READ = needs(Permission.STUDENTS_READ)
WRITE = needs(Permission.EVENTS_WRITE)


@router.post(
    "/events",
    status_code=201,
    dependencies=[WRITE],
    response_model=LearningEventOut,
    responses={**documented(EventExists, StudentErased, Overloaded), **QUEUED},
    openapi_extra=json_body(NewLearningEvent, key_parameter()),
)
async def add_event(request: Request) -> Response:
    """Store one event. A repeated request gets the same answer; other content under its id, 409."""
    manager, intake = manager_of(request), intake_of(request)
    new = await read_json(request, NewLearningEvent)
    event_id = row_id(new.id, key_of(request), request.state.principal)
    sent = EventToStore(**{**vars(new), "id": event_id})
    event = await intake.wait_or_queue(manager.events.add_async(sent))
    if event is None:
        return queued(event_id)
    return created(LearningEventOut.model_validate(event), is_replay=event.is_replay)


@router.post("/events/batch", dependencies=[WRITE], **batch_route(NewLearningEvent))
async def add_events(request: Request, manager: Manager) -> Response:
    """Store events in one transaction, with an outcome each; a rejected one affects no other."""

    def store(batch: Batch[NewLearningEvent]) -> BatchOut:
        events = [EventToStore(**fields) for fields in batch.fields()]
        return batch.answer(manager.events.add_many(events))

    return await handle_batch(request, NewLearningEvent, store)


@router.get(
    "/students/{student_id}/events",
    dependencies=[READ],
    responses=OF_A_STUDENT,
    openapi_extra=EVENTS.openapi_extra,
)
def list_student_events(
    student_id: StudentId,
    manager: Manager,
    filters: EventFilters,
    after: After = None,
    limit: Limit = 100,
) -> PageOut[LearningEventOut]:
    """Return the student's events, the latest first."""
    page = manager.events.search(student_id, filters=filters, after=after, limit=limit)
    return PageOut[LearningEventOut].of(page)


@router.get("/students/{student_id}/attempts", dependencies=[READ], responses=OF_A_STUDENT)
def list_student_attempts(
    student_id: StudentId, manager: Manager, after: After = None, limit: Limit = 100
) -> PageOut[AttemptOut]:
    """Return the student's answers with the number of the attempt, the latest first."""
    page = manager.events.search_attempts(student_id, after=after, limit=limit)
    return PageOut[AttemptOut].of(page)
