"""Export of spans by OpenTelemetry's SDK, without personal data."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext

from fastapi.concurrency import run_in_threadpool
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import Link, SpanKind, Status, TraceState
from opentelemetry.util.re import parse_env_headers
from opentelemetry.util.types import Attributes
from sqlalchemy import Engine

from shared_web.operations.tracing.statements import tracing_statements
from shared_web.settings import ServiceSettings

REQUEST_ID = "veritas.request_id"
# Attributes that are exported. Others, as `url.path`, have ids of students.
_KEPT = {
    "db.operation.name",
    "db.query.text",
    "db.response.status_code",
    "db.system.name",
    "error.type",
    "http.request.method",
    "http.response.status_code",
    "http.route",
    "network.protocol.version",
    "server.address",
    "server.port",
    "url.scheme",
    REQUEST_ID,
}
# Parameters are not in statements; values that were written into one are removed.
_LITERAL = re.compile(r"'(?:[^']|'')*'")
_TIMEOUT_SECONDS = 3


class SpanExport:
    """Provider of the spans of one app, and their export while it runs."""

    def __init__(self, settings: ServiceSettings, service: str, version: str) -> None:
        names = {"service.name": f"veritas-{service}", "service.version": version}
        self._settings = settings
        self.provider = TracerProvider(
            sampler=ParentBased(_Requests(settings.otel_traces_sampler_arg)),
            resource=Resource.create(names),
            shutdown_on_exit=False,
        )

    def mark(self, request_id: str) -> None:
        """Note the id of the present request in its span."""
        trace.get_current_span().set_attribute(REQUEST_ID, request_id)

    @asynccontextmanager
    async def running(self, engine: Engine | None) -> AsyncIterator[None]:
        """Export spans during the context, and those that wait at its end."""
        self.provider.add_span_processor(BatchSpanProcessor(WithoutPersons(self._exporter())))
        tracer = self.provider.get_tracer("veritas")
        statements = tracing_statements(engine, tracer) if engine is not None else nullcontext()
        try:
            with statements:
                yield
        finally:
            await run_in_threadpool(self.provider.shutdown)

    def _exporter(self) -> SpanExporter:
        headers = self._settings.otel_exporter_otlp_headers.get_secret_value()
        return OTLPSpanExporter(
            endpoint=f"{self._settings.otel_exporter_otlp_endpoint.rstrip('/')}/v1/traces",
            headers=parse_env_headers(headers, liberal=True) or None,
            timeout=_TIMEOUT_SECONDS,
        )


class WithoutPersons(SpanExporter):
    """Exporter that passes on spans without attributes, events and texts that may be personal."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export the spans."""
        return self._exporter.export([_without_persons(span) for span in spans])

    def shutdown(self) -> None:
        """Stop."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Wait until everything is sent."""
        return self._exporter.force_flush(timeout_millis)


def _without_persons(span: ReadableSpan) -> ReadableSpan:
    kept = {name: value for name, value in (span.attributes or {}).items() if name in _KEPT}
    if isinstance(statement := kept.get("db.query.text"), str):
        kept["db.query.text"] = _LITERAL.sub("'?'", statement)
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=kept,
        kind=span.kind,
        status=Status(span.status.status_code),  # its text is that of an exception
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


class _Requests(Sampler):
    """Sampler of spans without a parent: a share of the requests, and no statement."""

    def __init__(self, share: float) -> None:
        self._requests = TraceIdRatioBased(share)

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Return the decision."""
        sampler = self._requests if kind is SpanKind.SERVER else ALWAYS_OFF
        return sampler.should_sample(
            parent_context, trace_id, name, kind, attributes, links, trace_state
        )

    def get_description(self) -> str:
        """Return a description for logs."""
        return f"requests, {self._requests.get_description()}"
