"""Events as they come in: judged, stored, answered with what the rules say."""

from fastapi import APIRouter, Request, Response

from monitoring_service.database import EventToStore
from monitoring_service.dependencies import Monitoring
from monitoring_service.errors import EventExists
from monitoring_service.schemas import EventOut, NewEvent
from shared_db.errors import Overloaded
from shared_web.auth.dependencies import INGEST, Ingester
from shared_web.problems import documented
from shared_web.requests.acknowledgement import QUEUED, IngestQueue, queued
from shared_web.requests.batches import Batch, BatchOut, batch_route, handle_batch
from shared_web.requests.idempotency import IdempotencyKey, mark_replay, row_id
from shared_web.requests.swift import SwiftRoute

router = APIRouter(prefix="/monitoring/events", tags=["events"], route_class=SwiftRoute)


@router.post(
    "",
    status_code=201,
    response_model=EventOut,
    responses={**documented(EventExists, Overloaded), **QUEUED},
)
async def add_event(
    new: NewEvent,
    monitoring: Monitoring,
    intake: IngestQueue,
    principal: Ingester,
    response: Response,
    key: IdempotencyKey = None,
) -> EventOut | Response:
    """Judge and store one event. The same again answers as before; with other content, 409."""
    event_id = row_id(new.event_id, key, principal)
    event = EventToStore(**{**vars(new), "event_id": event_id})
    log = await intake.stored(monitoring.add_log_async(event))
    if log is None:
        return queued(event_id)
    mark_replay(response, is_replay=log.is_replay)
    return EventOut.model_validate(log)


@router.post("/batch", dependencies=[INGEST], **batch_route(NewEvent))
async def add_events(request: Request, monitoring: Monitoring) -> Response:
    """Judge and store many events in one transaction; each has its outcome."""

    def store(batch: Batch[NewEvent]) -> BatchOut:
        events = [EventToStore(**vars(item)) for item in batch.valid.values()]
        return batch.answer(*monitoring.add_logs(events))

    return await handle_batch(request, NewEvent, store)
