"""Events of log records."""

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from monitoring_service.otlp.records import Events, Fields, message_of, origins, trace_of
from monitoring_service.otlp.values import attributes_of, instant, label, text_of

# The first number of each range of the data model of logs.
LEVELS = {1: "TRACE", 5: "DEBUG", 9: "INFO", 13: "WARN", 17: "ERROR", 21: "FATAL"}
_LAST_LEVEL = 24


def level_of(severity: int) -> str | None:
    """Return the level of a severity number; None: it is not stated, or there is no such one."""
    if not 0 < severity <= _LAST_LEVEL:
        return None
    return LEVELS[max(first for first in LEVELS if first <= severity)]


def count(request: ExportLogsServiceRequest) -> int:
    """Return the number of records."""
    return sum(len(s.log_records) for r in request.resource_logs for s in r.scope_logs)


def events_of(request: ExportLogsServiceRequest) -> list[Fields]:
    """Return an event for each record: the component is the scope, usually the logger."""
    events = Events()
    return [
        events.event(origin, record, _fields(record, scope.scope.name), may_repeat=True)
        for origin, scope in origins(request.resource_logs, "scope_logs")
        for record in scope.log_records
    ]


def _fields(record: LogRecord, scope: str) -> Fields:
    level = level_of(record.severity_number) or label(record.severity_text)
    attributes = attributes_of(record.attributes)
    return {
        "component": label(scope),
        "event_type": label(record.event_name) or "log",
        "message": message_of(text_of(record.body)),
        "data": {**attributes, **({"level": level} if level else {})},
        "metadata": trace_of(record),
        "timestamp": instant(record.time_unix_nano, record.observed_time_unix_nano),
    }
