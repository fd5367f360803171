"""Learning events as they come in, and read back per student."""

from fastapi import APIRouter, Request, Response

from dropout_service.database import EventToStore
from dropout_service.dependencies import Manager
from dropout_service.errors import EventExists, StudentErased
from dropout_service.routes.filters import EVENTS, OF_A_STUDENT, EventFilters, StudentId
from dropout_service.schemas import AttemptOut, LearningEventOut, NewLearningEvent
from shared_db.errors import Overloaded
from shared_web.auth.dependencies import INGEST, READ, Ingester
from shared_web.problems import documented
from shared_web.query.pagination import After, Limit, PageOut
from shared_web.requests.acknowledgement import QUEUED, IngestQueue, queued
from shared_web.requests.batches import Batch, BatchOut, batch_route, handle_batch
from shared_web.requests.idempotency import IdempotencyKey, mark_replay, row_id
from shared_web.requests.swift import SwiftRoute

router = APIRouter(tags=["events"], route_class=SwiftRoute)


@router.post(
    "/events",
    status_code=201,
    response_model=LearningEventOut,
    responses={**documented(EventExists, StudentErased, Overloaded), **QUEUED},
)
async def add_event(
    new: NewLearningEvent,
    manager: Manager,
    intake: IngestQueue,
    principal: Ingester,
    response: Response,
    key: IdempotencyKey = None,
) -> LearningEventOut | Response:
    """Store one event. The same again answers as before; with other content, 409."""
    event_id = row_id(new.id, key, principal)
    sent = EventToStore(**{**vars(new), "id": event_id})
    event = await intake.stored(manager.add_learning_event_async(sent))
    if event is None:
        return queued(event_id)
    mark_replay(response, is_replay=event.is_replay)
    return LearningEventOut.model_validate(event)


@router.post("/events/batch", dependencies=[INGEST], **batch_route(NewLearningEvent))
async def add_events(request: Request, manager: Manager) -> Response:
    """Store many events in one transaction; each has its outcome, a bad one harms no other."""

    def store(batch: Batch[NewLearningEvent]) -> BatchOut:
        events = [EventToStore(**vars(item)) for item in batch.valid.values()]
        rows, outcomes = manager.add_learning_events(events)
        return batch.answer([row.id for row in rows], outcomes)

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
    page = manager.get_student_events(student_id, filters=filters, after=after, limit=limit)
    return PageOut[LearningEventOut].of(page)


@router.get("/students/{student_id}/attempts", dependencies=[READ], responses=OF_A_STUDENT)
def list_student_attempts(
    student_id: StudentId, manager: Manager, after: After = None, limit: Limit = 100
) -> PageOut[AttemptOut]:
    """Return the student's answers with the number of the attempt, the latest first."""
    page = manager.get_student_attempts(student_id, after=after, limit=limit)
    return PageOut[AttemptOut].of(page)
