"""Logs, metrics and traces by OpenTelemetry's protocol (OTLP/HTTP), stored as events."""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as of_logs
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as of_metrics
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as of_traces

from monitoring_service.database import EventToStore, MonitoringDatabase
from monitoring_service.dependencies import manager_of
from monitoring_service.otlp import logs, metrics, spans
from monitoring_service.otlp.messages import (
    JSON,
    PROTOBUF,
    Encoding,
    MalformedMessage,
    encoding_of,
)
from monitoring_service.schemas.events import NewEvent
from shared_db.errors import ServiceError
from shared_db.results import Outcome
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission
from shared_web.problems import (
    COMMON,
    BodyRefused,
    HeadersTooLarge,
    InvalidRequest,
    TooLarge,
    WrongMediaType,
    refusal_response,
)
from shared_web.requests.batches import BatchLimiter, batch_body, validate_items
from shared_web.requests.body_limit import BODY_REFUSALS, BrokenBody
from shared_web.requests.json_items import MAX_ITEMS

WRITE = needs(Permission.LOGS_WRITE)
# Counted after decompressing: the longest message that gRPC accepts by default. To read JSON takes
# two hundred times as long.
MAX_BYTES = {PROTOBUF: 4 * 1024 * 1024, JSON: 1024 * 1024}


@dataclass(frozen=True)
class Signal:
    """One of the three kinds of telemetry: its messages, and their events.

    rejected: the field of a partial success with the number of rejected records.
    """

    name: str
    request: type[Message]
    response: type[Message]
    rejected: str
    count: Callable[[Any], int]
    events_of: Callable[[Any], Sequence[dict[str, Any]]]


SIGNALS = (
    Signal(
        "logs",
        of_logs.ExportLogsServiceRequest,
        of_logs.ExportLogsServiceResponse,
        "rejected_log_records",
        logs.count,
        logs.events_of,
    ),
    Signal(
        "metrics",
        of_metrics.ExportMetricsServiceRequest,
        of_metrics.ExportMetricsServiceResponse,
        "rejected_data_points",
        metrics.count,
        metrics.events_of,
    ),
    Signal(
        "traces",
        of_traces.ExportTraceServiceRequest,
        of_traces.ExportTraceServiceResponse,
        "rejected_spans",
        spans.count,
        spans.events_of,
    ),
)


class OtlpRoute(AdmittedRoute):
    """Route that answers refusals with a `google.rpc.Status`, in the encoding of the request."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the function that answers a request."""
        answer = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await answer(request)
            except BodyRefused as refused:
                return _refused(request, refused.refusal)
            except RequestValidationError:
                return _refused(request, InvalidRequest("The request is not valid."))
            except ServiceError as refusal:
                return _refused(request, refusal)

        return handle


async def export(signal: Signal, request: Request) -> Response:
    """Store the records of a request; those that cannot be stored are counted as rejected.

    Raises:
        WrongMediaType: the body is in neither encoding.
        BodyRefused: the body cannot be read, or is too long.
        TooLarge: there are too many records.
        Overloaded: too many batches are stored at once.

    """
    encoding = encoding_of(request.headers.get("content-type", ""))
    if encoding is None:
        raise WrongMediaType(f"Send it as {PROTOBUF} or {JSON}.")
    limit = MAX_BYTES[encoding.media_type]
    room: BatchLimiter = request.app.state.batches
    manager = manager_of(request)
    with room.reserving() as hold:
        body = await batch_body(request, min(limit, room.max_bytes), hold)
        content = await room.threads.run(partial(_stored, signal, encoding, bytes(body), manager))
    return Response(content, media_type=encoding.media_type)


def _stored(
    signal: Signal, encoding: Encoding, body: bytes, monitoring: MonitoringDatabase
) -> bytes:
    try:
        sent = encoding.decode(signal.request, body)
    except MalformedMessage as failure:
        raise BrokenBody(str(failure)) from failure
    if signal.count(sent) > MAX_ITEMS:
        raise TooLarge(f"The body has more than {MAX_ITEMS} records. Send smaller batches.")
    batch = validate_items(signal.events_of(sent), NewEvent)
    reasons = [f"{each['field']}: {each['message']}" for [each, *_] in batch.refused.values()]
    results = monitoring.events.add_many([EventToStore(**vars(e)) for e in batch.valid.values()])
    reasons += ["the id is stored with other content" for each in results if _differs(each.outcome)]
    answer: Any = signal.response()
    if reasons:
        setattr(answer.partial_success, signal.rejected, len(reasons))
        answer.partial_success.error_message = reasons[0]
    return encoding.encode(answer)


def _differs(outcome: Outcome) -> bool:
    return outcome is Outcome.CONFLICT


def _refused(request: Request, refusal: ServiceError) -> Response:
    encoding = encoding_of(request.headers.get("content-type", "")) or Encoding(JSON)
    problem = refusal_response(request, refusal)
    headers = problem.headers
    kept = {name: headers[name] for name in ("Retry-After", "WWW-Authenticate") if name in headers}
    return Response(
        encoding.encode_status(
            refusal.status, f"{refusal.title}: {refusal.detail}", bytes(problem.body)
        ),
        status_code=refusal.status,
        media_type=encoding.media_type,
        headers=kept,
    )


def otlp_router(prefix: str, *, is_documented: bool) -> APIRouter:
    """Return the three routes under a prefix."""
    router = APIRouter(tags=["events"], route_class=OtlpRoute, include_in_schema=is_documented)
    for signal in SIGNALS:
        router.add_api_route(
            f"{prefix}/{signal.name}",
            _endpoint(signal),
            methods=["POST"],
            name=f"export_{signal.name}",
            description=f"Store {signal.name} that an exporter of OpenTelemetry sends (OTLP/HTTP).",
            dependencies=[WRITE],
            responses=_documented_answers(signal),
            openapi_extra={"requestBody": {"required": True, "content": _content(signal.request)}},
        )
    return router


def _endpoint(signal: Signal) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    async def endpoint(request: Request) -> Response:
        return await export(signal, request)

    return endpoint


def _documented_answers(signal: Signal) -> dict[int | str, dict[str, Any]]:
    status = {
        "type": "object",
        "properties": {"code": {"type": "integer"}, "message": {"type": "string"}},
    }
    refusals = [refusal for refusal in (*COMMON, *BODY_REFUSALS) if refusal is not HeadersTooLarge]
    answers: dict[int | str, dict[str, Any]] = {
        refusal.status: {
            "description": "A google.rpc.Status",
            "content": {JSON: {"schema": status}, PROTOBUF: {"schema": _BINARY}},
        }
        for refusal in refusals
    }
    return {
        **answers,
        200: {"description": signal.response.__name__, "content": _content(signal.response)},
    }


_BINARY = {"type": "string", "format": "binary"}


def _content(kind: type[Message]) -> dict[str, Any]:
    described = {"type": "object", "description": f"{kind.__name__} as JSON"}
    return {JSON: {"schema": described}, PROTOBUF: {"schema": _BINARY}}
