"""Switch of tracing: off without OTEL_EXPORTER_OTLP_ENDPOINT, and without cost then."""

from collections.abc import AsyncIterator, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi.telemetry import TelemetryConfig
from sqlalchemy import Connection, Engine

from shared_db.connection.database import Database
from shared_db.errors import ConfigurationError
from shared_web.settings import ServiceSettings

if TYPE_CHECKING:
    from shared_web.operations.tracing.export import SpanExport

# Probes come all the time; spans of the receipt of spans would never end.
_NOT_TRACED = {
    *("/livez", "/readyz", "/health", "/metrics"),
    *("/v1/logs", "/v1/metrics", "/v1/traces"),
    *("/api/v1/logs", "/api/v1/metrics", "/api/v1/traces"),
}
OFF: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}


class Tracing:
    """Tracing of one app: its requests, and their statements.

    export: None if it is off.
    """

    def __init__(self, export: "SpanExport | None") -> None:
        self._export = export

    @classmethod
    def of(cls, settings: ServiceSettings, service: str, version: str) -> "Tracing":
        """Return the tracing that the settings ask for.

        Raises:
            ConfigurationError: the libraries for it are not installed.

        """
        if not settings.otel_exporter_otlp_endpoint:
            return cls(None)
        try:
            from shared_web.operations.tracing.export import SpanExport  # noqa: PLC0415 - costs a third of a second
        except ImportError as absent:
            raise ConfigurationError(
                "OTEL_EXPORTER_OTLP_ENDPOINT needs further libraries: pip install 'veritas[otel]'."
            ) from absent
        return cls(SpanExport(settings, service, version))

    @property
    def telemetry(self) -> TelemetryConfig:
        """Configuration of FastAPI."""
        if self._export is None:
            return OFF
        return {
            **OFF,
            "tracing": True,
            "tracer_provider": self._export.provider,
            "operation_spans": False,  # several for each request, that tell little
            "exclude": _is_not_traced,
        }

    @property
    def mark(self) -> Callable[[str], None] | None:
        """Function that notes the id of a request in its span; None if it is off."""
        return None if self._export is None else self._export.mark

    @asynccontextmanager
    async def running(self, database: Database | None = None) -> AsyncIterator[None]:
        """Export spans during the context, also of the statements of the database."""
        if self._export is None:
            yield
            return
        bind: Engine | Connection | None = database.store.bind if database is not None else None
        async with self._export.running(bind.engine if bind is not None else None):
            yield


def _is_not_traced(scope: MutableMapping[str, Any]) -> bool:
    return scope.get("path") in _NOT_TRACED
