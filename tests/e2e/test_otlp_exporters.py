"""The exporters of OpenTelemetry's own libraries, for Python and JavaScript, to monitoring."""

import logging
import shutil
import subprocess
import warnings
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from shared_db.connection.database import Database
from shared_db.settings import Environment
from shared_web.operations.serve import server_options
from tests.support.live_services import listening
from tests.support.services import PARTS
from tests.support.source_files import ROOT

NODE_EXPORTERS = ROOT / "tests" / "support" / "node_exporters"
LOGS = "/api/v1/monitoring/logs"
MONITORING = PARTS["monitoring"]


@pytest.fixture
def url() -> Iterator[str]:
    """Give the address of a monitoring in memory, without keys."""
    database = Database.in_memory(MONITORING.metadata)
    settings = MONITORING.settings(environment=Environment.DEVELOPMENT)
    with listening(MONITORING.app(database, settings), server_options(settings)) as port:
        yield f"http://127.0.0.1:{port}"


def events(url: str) -> dict[str, dict[str, Any]]:
    items = httpx.get(f"{url}{LOGS}").json()["items"]
    return {item["event_type"]: item for item in items}


def test_the_exporters_for_python_are_understood(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # As an operator sets it; the paths of the signals are appended.
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"{url}/api")
    resource = Resource({"service.name": "timetable", "service.instance.id": "t-1"})
    tracers = TracerProvider(resource=resource)
    tracers.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(compression=Compression.Gzip)))
    meters = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())], resource)
    loggers = LoggerProvider(resource)
    loggers.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter()))

    with tracers.get_tracer("plan").start_as_current_span("compute") as span:
        span.set_attribute("rooms", 12)
        logger = logging.getLogger("timetable.rooms")
        logger.propagate = False
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the handler has moved to another package
            logger.addHandler(LoggingHandler(logger_provider=loggers))
        logger.warning("no room for %s", "art")
    meters.get_meter("plan").create_histogram("solved", "s").record(0.5)
    for provider in (tracers, meters, loggers):
        provider.shutdown()

    found = events(url)
    assert {event["source"] for event in found.values()} == {"timetable"}
    assert found["span"]["data"]["rooms"] == 12
    assert found["log"]["message"] == "no room for art"
    assert found["log"]["component"] == "timetable.rooms"
    assert (found["log"]["status"], found["log"]["data"]["level"]) == ("WARNING", "WARN")
    assert found["log"]["metadata"]["trace_id"] == found["span"]["metadata"]["trace_id"]
    assert (found["metric"]["component"], found["metric"]["data"]["count"]) == ("solved", 1)


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node.js")
@pytest.mark.skipif(
    not (NODE_EXPORTERS / "node_modules/@opentelemetry").exists(),
    reason="`make client` installs the exporters",
)
def test_the_exporters_for_javascript_are_understood(url: str) -> None:
    done = subprocess.run(
        ["node", "exporters.mjs", url],  # noqa: S607 - the system's own
        cwd=NODE_EXPORTERS,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr
    found = events(url)
    assert {event["source"] for event in found.values()} == {"frontend"}
    assert (found["span"]["component"], found["span"]["data"]["tries"]) == ("load", 2)
    assert (found["log"]["message"], found["log"]["status"]) == ("slow", "WARNING")
    assert found["metric"]["data"]["loads"] == 7
