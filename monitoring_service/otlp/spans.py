"""Events of spans."""

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from monitoring_service.otlp.records import Events, Fields, message_of, origins, trace_of
from monitoring_service.otlp.values import attributes_of, instant, label, without_nothing

# Metrics of the rules for durations: of a request that somebody waits for, and of a call between
# machines. Others have no limit by default.
_DURATIONS = {
    Span.SPAN_KIND_SERVER: "response_time",
    Span.SPAN_KIND_CLIENT: "latency",
}
_NANOSECONDS_PER_MS = 1_000_000


def count(request: ExportTraceServiceRequest) -> int:
    """Return the number of spans."""
    return sum(len(s.spans) for r in request.resource_spans for s in r.scope_spans)


def events_of(request: ExportTraceServiceRequest) -> list[Fields]:
    """Return an event for each span: the component is its name, the time its end."""
    events = Events()
    return [
        events.event(origin, span, _fields(span))
        for origin, scope in origins(request.resource_spans, "scope_spans")
        for span in scope.spans
    ]


def _fields(span: Span) -> Fields:
    duration = max(0, span.end_time_unix_nano - span.start_time_unix_nano) / _NANOSECONDS_PER_MS
    has_failed = span.status.code == Status.STATUS_CODE_ERROR
    own = without_nothing(
        {
            _DURATIONS.get(span.kind, "duration"): duration,
            "kind": Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower()
            if span.kind in Span.SpanKind.values()
            else None,
            "outcome": Status.StatusCode.Name(span.status.code).removeprefix("STATUS_CODE_").lower()
            if span.status.code in Status.StatusCode.values()
            else None,
            "level": "ERROR" if has_failed else None,
            "events": [label(event.name) for event in span.events],
        }
    )
    return {
        "component": label(span.name),
        "event_type": "span",
        "message": message_of(span.status.message),
        "data": {**attributes_of(span.attributes), **own},
        "metadata": {**trace_of(span), **_parent(span)},
        "timestamp": instant(span.end_time_unix_nano, span.start_time_unix_nano),
    }


def _parent(span: Span) -> Fields:
    return without_nothing({"parent_span_id": span.parent_span_id.hex()})
