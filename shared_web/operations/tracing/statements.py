"""Spans of SQL statements, without their parameters.

OpenTelemetry's own instrumentation of SQLAlchemy refuses the release that Veritas needs.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode, Tracer
from sqlalchemy import Engine, ExceptionContext, event

# Attribute of SQLAlchemy's context of an execution that holds its span.
_SPAN = "_veritas_span"


@contextmanager
def tracing_statements(engine: Engine, tracer: Tracer) -> Iterator[None]:
    """Trace the statements of the engine in the context: those of traced requests."""
    listeners: dict[str, Callable[..., None]] = {
        "before_cursor_execute": _begin_with(tracer, _system_of(engine)),
        "after_cursor_execute": _end,
        "handle_error": _fail,
    }
    for name, listener in listeners.items():
        event.listen(engine, name, listener)
    try:
        yield
    finally:
        for name, listener in listeners.items():
            event.remove(engine, name, listener)


def _begin_with(tracer: Tracer, system: str) -> Callable[..., None]:
    def begin(
        _connection: Any, _cursor: Any, statement: str, _parameters: Any, context: Any, _many: Any
    ) -> None:
        # Background work and probes would otherwise be traces of their own.
        if context is None or not trace.get_current_span().is_recording():
            return
        operation = statement.split(maxsplit=1)[0].upper() if statement.strip() else ""
        attributes = {
            "db.system.name": system,
            "db.operation.name": operation,
            "db.query.text": statement,
        }
        span = tracer.start_span(operation or system, kind=SpanKind.CLIENT, attributes=attributes)
        setattr(context, _SPAN, span)

    return begin


def _end(
    _connection: Any, _cursor: Any, _statement: str, _parameters: Any, context: Any, _many: Any
) -> None:
    span = getattr(context, _SPAN, None)
    if span is not None:
        span.end()


def _fail(error: ExceptionContext) -> None:
    span = getattr(error.execution_context, _SPAN, None)
    if span is None:
        return
    # Not its text, which may have values of rows.
    original = error.original_exception
    span.set_attribute("error.type", type(original).__qualname__)
    if code := getattr(original, "pgcode", None):
        span.set_attribute("db.response.status_code", code)
    span.set_status(StatusCode.ERROR)
    span.end()


def _system_of(engine: Engine) -> str:
    return engine.dialect.name
