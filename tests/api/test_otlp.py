"""Telemetry by OTLP/HTTP, in both encodings: mapping, repetition, limits and refusals."""

import gzip
from collections.abc import Iterator
from typing import Any

import pytest
from google.rpc.status_pb2 import Status
from httpx2 import Response
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as of_logs
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as of_metrics
from starlette.testclient import TestClient

from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.settings import Environment
from shared_web.auth.keys import KeyManager, Scope
from tests.support.services import PARTS

PROTOBUF, JSON = "application/x-protobuf", "application/json"
LOGS = "/api/v1/monitoring/logs"
RESOURCE: dict[str, Any] = {
    "attributes": [
        {"key": "service.name", "value": {"stringValue": "library"}},
        {"key": "service.namespace", "value": {"stringValue": "school"}},
        {"key": "service.instance.id", "value": {"stringValue": "node-1"}},
        {"key": "user.name", "value": {"stringValue": "Ada Lovelace"}},
    ]
}
TRACE, SPAN = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"


def now() -> int:
    return int(utc_now().timestamp()) * 10**9


def attribute(key: str, **value: Any) -> dict[str, Any]:
    return {"key": key, "value": value}


def some_logs(*records: dict[str, Any]) -> dict[str, Any]:
    scope = {"name": "library.loans", "version": "2.1"}
    return {
        "resourceLogs": [
            {"resource": RESOURCE, "scopeLogs": [{"scope": scope, "logRecords": list(records)}]}
        ]
    }


def a_record(**changes: Any) -> dict[str, Any]:
    record = {
        "timeUnixNano": str(now()),
        "severityNumber": 18,
        "body": {"stringValue": "the catalogue does not answer"},
        "attributes": [
            attribute("retries", intValue="3"),
            attribute("enduser.id", stringValue="ada"),
        ],
        "traceId": TRACE,
        "spanId": SPAN,
        "aFieldOfALaterRelease": 1,
    }
    return {**record, **changes}


def stored(client: TestClient, **query: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client.get(LOGS, params=query).json()["items"]
    return items


def sent(client: TestClient, signal: str, body: Any) -> Response:
    return client.post(f"/v1/{signal}", json=body)


def test_a_log_becomes_an_event_once(monitoring_client: TestClient) -> None:
    body = some_logs(a_record(), a_record())

    for path in ("/v1/logs", "/api/v1/logs"):
        answer = monitoring_client.post(path, json=body)
        assert (answer.status_code, answer.json()) == (200, {})
    items = stored(monitoring_client)

    assert len(items) == 2  # two equal lines are two events, but not if the request is repeated
    event = items[0]
    assert (event["source"], event["component"]) == ("school/library", "library.loans")
    assert (event["event_type"], event["message"]) == ("log", "the catalogue does not answer")
    assert event["data"] == {"retries": 3, "level": "ERROR"}
    assert (event["status"], event["severity"]) == ("WARNING", 0.8)
    assert event["metadata"]["trace_id"] == TRACE
    assert event["metadata"]["instance"] == "node-1"
    assert "Ada" not in str(items)


def test_both_encodings_have_the_same_ids(monitoring_client: TestClient) -> None:
    message = of_logs.ExportLogsServiceRequest()
    record = a_record()
    del record["aFieldOfALaterRelease"]
    group = message.resource_logs.add()
    for pair in RESOURCE["attributes"]:
        added = group.resource.attributes.add(key=pair["key"])
        added.value.string_value = pair["value"]["stringValue"]
    scope = group.scope_logs.add()
    scope.scope.name, scope.scope.version = "library.loans", "2.1"
    log = scope.log_records.add(time_unix_nano=int(record["timeUnixNano"]), severity_number=18)
    log.body.string_value = record["body"]["stringValue"]
    log.attributes.add(key="retries").value.int_value = 3
    log.attributes.add(key="enduser.id").value.string_value = "ada"
    log.trace_id, log.span_id = bytes.fromhex(TRACE), bytes.fromhex(SPAN)

    sent(monitoring_client, "logs", some_logs(record))
    headers = {"Content-Type": PROTOBUF, "Content-Encoding": "gzip"}
    body = gzip.compress(message.SerializeToString())
    answer = monitoring_client.post("/v1/logs", content=body, headers=headers)

    assert (answer.status_code, answer.headers["content-type"]) == (200, PROTOBUF)
    assert len(stored(monitoring_client)) == 1


def test_spans_and_points_are_judged_by_the_rules(monitoring_client: TestClient) -> None:
    end = now()
    span = {
        "traceId": TRACE,
        "spanId": SPAN,
        "parentSpanId": SPAN[::-1],
        "name": "GET /loans",
        "kind": 2,
        "startTimeUnixNano": str(end - 6 * 10**9),
        "endTimeUnixNano": str(end),
        "status": {"code": 2, "message": "time-out"},
        "attributes": [attribute("http.response.status_code", intValue="504")],
    }
    point = {
        "timeUnixNano": str(end),
        "asDouble": 97.5,
        "attributes": [attribute("cpu", intValue=1)],
    }
    histogram = {
        "timeUnixNano": str(end),
        "count": "3",
        "sum": 0.75,
        "explicitBounds": [0.1, 1],
        "bucketCounts": ["1", "2", "0"],
    }
    metrics = [
        {
            "name": "cpu_usage",
            "unit": "%",
            "gauge": {"dataPoints": [point, {**point, "asDouble": "NaN", "attributes": []}]},
        },
        {
            "name": "http.duration",
            "unit": "s",
            "histogram": {"dataPoints": [histogram], "aggregationTemporality": 2},
        },
    ]

    for _ in range(2):
        traces = {
            "resourceSpans": [{"resource": RESOURCE, "scopeSpans": [{"spans": [span, span]}]}]
        }
        assert sent(monitoring_client, "traces", traces).json() == {}
        body = {"resourceMetrics": [{"resource": RESOURCE, "scopeMetrics": [{"metrics": metrics}]}]}
        assert sent(monitoring_client, "metrics", body).json() == {}

    [found] = stored(monitoring_client, event_type="span")
    assert (found["component"], found["message"]) == ("GET /loans", "time-out")
    assert found["data"] == {
        "response_time": 6000,
        "kind": "server",
        "outcome": "error",
        "level": "ERROR",
        "http.response.status_code": 504,
    }
    assert found["status"] == "CRITICAL"
    assert found["metadata"]["parent_span_id"] == SPAN[::-1]
    points = {
        (each["component"], each["data"].get("cpu")): each
        for each in stored(monitoring_client, event_type="metric")
    }
    assert points["cpu_usage", 1]["status"] == "CRITICAL"
    assert points["cpu_usage", None]["data"] == {"kind": "gauge", "unit": "%", "cpu_usage": "nan"}
    assert points["http.duration", None]["data"] == {
        "kind": "histogram",
        "unit": "s",
        "count": 3,
        "sum": 0.75,
        "explicit_bounds": [0.1, 1],
        "bucket_counts": [1, 2, 0],
    }


def test_records_that_cannot_be_stored_are_a_partial_success(monitoring_client: TestClient) -> None:
    tomorrow = a_record(timeUnixNano=str(now() + 86_400 * 10**9))
    large = a_record(attributes=[attribute("dump", stringValue="x" * 70_000)])
    odd = a_record(
        body={"stringValue": "a\0b" * 5000}, attributes=[attribute("at", doubleValue="Infinity")]
    )

    answer = sent(monitoring_client, "logs", some_logs(tomorrow, large, odd))

    partial = answer.json()["partialSuccess"]
    assert (answer.status_code, partial["rejectedLogRecords"]) == (200, "2")
    assert partial["errorMessage"] == "timestamp: must not be in the future"
    [event] = stored(monitoring_client)
    assert event["message"].startswith("a\N{REPLACEMENT CHARACTER}b")
    assert event["data"]["at"] == "inf"


@pytest.mark.parametrize(
    ("content", "media_type", "status", "code"),
    [
        (b"\xff\xff", PROTOBUF, 400, 3),
        (b"{", JSON, 400, 3),
        (b"[1]", JSON, 400, 3),
        (b'{"resourceLogs": 7}', JSON, 400, 3),
        (
            b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"traceId": "no hex"}]}]}]}',
            JSON,
            400,
            3,
        ),
        (b"[" * 5000, JSON, 400, 3),
        (b"{}", "text/plain", 415, 3),
        (b" " * (1024 * 1024 + 1), JSON, 413, 8),
        (
            b"\n\x02\x12\x00" * 1 + b"\n\xca\x9c\x01\x12\xc6\x9c\x01" + b"\x12\x00" * 10_019,
            PROTOBUF,
            413,
            8,
        ),
    ],
)
def test_refusals_are_statuses_in_the_encoding_of_the_request(
    monitoring_client: TestClient, content: bytes, media_type: str, status: int, code: int
) -> None:
    answer = monitoring_client.post(
        "/v1/logs", content=content, headers={"Content-Type": media_type}
    )

    assert answer.status_code == status, answer.content
    if media_type == PROTOBUF:
        assert answer.headers["content-type"] == PROTOBUF
        found = Status.FromString(answer.content)
        assert (found.code, bool(found.message)) == (code, True)
    else:
        assert answer.headers["content-type"] == JSON
        assert answer.json()["code"] == code


@pytest.fixture
def keyed(postgres: Database) -> Iterator[tuple[TestClient, KeyManager]]:
    """Give monitoring with keys."""
    keys = KeyManager(postgres)
    keys.add_key("first", [Scope.READ])
    parts = PARTS["monitoring"]
    settings = parts.settings(
        environment=Environment.PRODUCTION, rate_limit_requests=1, rate_limit_seconds=60
    )
    with TestClient(parts.app(postgres, settings)) as client:
        yield client, keys


def test_exporters_need_a_key_and_are_told_when_to_come_back(
    keyed: tuple[TestClient, KeyManager],
) -> None:
    client, keys = keyed

    def post(key: str | None) -> Response:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        content = of_metrics.ExportMetricsServiceRequest().SerializeToString()
        return client.post(
            "/v1/metrics", content=content, headers={**headers, "Content-Type": PROTOBUF}
        )

    key, other = keys.add_key("exporter", [Scope.INGEST]), keys.add_key("reader", [Scope.READ])
    without, reader = post(None), post(other)
    first, second = post(key), post(key)

    assert (without.status_code, without.headers["www-authenticate"]) == (401, "Bearer")
    assert Status.FromString(without.content).code == 16
    assert (reader.status_code, Status.FromString(reader.content).code) == (403, 7)
    assert (first.status_code, first.content) == (200, b"")
    assert (second.status_code, Status.FromString(second.content).code) == (429, 8)
    assert int(second.headers["retry-after"]) >= 1


def test_nothing_is_stored_of_an_empty_request(monitoring_client: TestClient) -> None:
    assert sent(monitoring_client, "logs", {}).status_code == 200
    assert stored(monitoring_client) == []
