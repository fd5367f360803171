"""Events as they come in: judged, stored, answered with what the rules say."""

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from monitoring_service.database import EventToStore
from monitoring_service.dependencies import Monitoring
from monitoring_service.errors import EventExists
from monitoring_service.schemas import EventOut, NewEvent
from shared_db.errors import Overloaded
from shared_web.access import INGEST, Ingester
from shared_web.batches import BatchOut, batch_body, read_batch
from shared_web.idempotency import IdempotencyKey, mark_replay, row_id
from shared_web.problems import documented

router = APIRouter(prefix="/monitoring/events", tags=["events"])


@router.post("", status_code=201, responses=documented(EventExists, Overloaded))
async def add_event(
    new: NewEvent,
    monitoring: Monitoring,
    principal: Ingester,
    response: Response,
    key: IdempotencyKey = None,
) -> EventOut:
    """Judge and store one event. The same again answers as before; with other content, 409."""
    event_id = row_id(new.event_id, key, principal)
    event = EventToStore(**{**dict(new), "event_id": event_id})
    log = await monitoring.add_log_async(event)
    mark_replay(response, is_repeat=log.is_repeat)
    return EventOut.model_validate(log)


@router.post("/batch", dependencies=[INGEST], openapi_extra=batch_body(NewEvent))
async def add_events(request: Request, monitoring: Monitoring) -> BatchOut:
    """Judge and store many events in one transaction; each has its outcome."""
    batch = await read_batch(request, NewEvent)
    events = [EventToStore(**dict(item)) for item in batch.valid.values()]
    ids, outcomes = await run_in_threadpool(monitoring.add_logs, events)
    return batch.answer(ids, outcomes)
