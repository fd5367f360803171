"""Inserts of events, judged as they come."""

from fastapi import APIRouter, Request, Response

from monitoring_service.database import EventToStore
from monitoring_service.dependencies import Monitoring, manager_of
from monitoring_service.errors import EventExists, EventTooOld
from monitoring_service.schemas.events import EventOut, NewEvent
from shared_db.errors import Overloaded
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission
from shared_web.problems import documented
from shared_web.requests.acknowledgement import QUEUED, intake_of, queued
from shared_web.requests.batches import Batch, BatchOut, batch_route, handle_batch
from shared_web.requests.idempotency import created, key_of, key_parameter, row_id
from shared_web.requests.json_bodies import json_body, read_json

router = APIRouter(prefix="/monitoring/events", tags=["events"], route_class=AdmittedRoute)

WRITE = needs(Permission.LOGS_WRITE)


@router.post(
    "",
    status_code=201,
    dependencies=[WRITE],
    response_model=EventOut,
    responses={**documented(EventExists, EventTooOld, Overloaded), **QUEUED},
    openapi_extra=json_body(NewEvent, key_parameter()),
)
async def add_event(request: Request) -> Response:
    """Judge and store one event. The same again answers as before; with other content, 409."""
    monitoring, intake = manager_of(request), intake_of(request)
    new = await read_json(request, NewEvent)
    event_id = row_id(new.event_id, key_of(request), request.state.principal)
    event = EventToStore(**{**vars(new), "event_id": event_id})
    log = await intake.wait_or_queue(monitoring.events.add_async(event))
    if log is None:
        return queued(event_id)
    return created(EventOut.model_validate(log), is_replay=log.is_replay)


@router.post("/batch", dependencies=[WRITE], **batch_route(NewEvent))
async def add_events(request: Request, monitoring: Monitoring) -> Response:
    """Judge and store many events in one transaction; each has its outcome."""

    def store(batch: Batch[NewEvent]) -> BatchOut:
        events = [EventToStore(**fields) for fields in batch.fields("event_id")]
        return batch.answer(monitoring.events.add_many(events))

    return await handle_batch(request, NewEvent, store)
