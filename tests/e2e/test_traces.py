"""Traces of our own requests: from the pages through a service to its statements."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from shared_db.connection.database import Database
from shared_db.errors import ConfigurationError
from shared_db.settings import Environment
from shared_web.operations.serve import server_options
from staffstuddash_service.datastore import DatastoreManager
from tests.support.databases import LOOPBACK, service_database
from tests.support.live_services import listening
from tests.support.pages import pages
from tests.support.services import PARTS
from veritas_web.services.all import NAMES
from veritas_web.settings import Settings

NAME = "Grace Hopper"
STUDENT = "/api/staffstuddash/api/v1/students/s-secret"


@pytest.fixture
def collector() -> Iterator[str]:
    """Give the address of a monitoring in memory, which stores the spans."""
    parts = PARTS["monitoring"]
    settings = parts.settings(environment=Environment.DEVELOPMENT)
    app = parts.app(Database.in_memory(parts.metadata), settings)
    with listening(app, server_options(settings)) as port:
        yield f"http://127.0.0.1:{port}"


def spans(collector: str) -> list[dict[str, Any]]:
    answer = httpx.get(f"{collector}/api/v1/monitoring/logs", params={"limit": 1000})
    items: list[dict[str, Any]] = answer.json()["items"]
    return [item for item in items if item["event_type"] == "span"]


def test_a_trace_leads_from_the_pages_to_the_statements(
    collector: str, migrated_engine: Engine
) -> None:
    values: dict[str, Any] = {
        "environment": Environment.DEVELOPMENT,
        "otel_exporter_otlp_endpoint": collector,
        "cache_seconds": 0,
    }
    with migrated_engine.connect() as connection, connection.begin() as transaction:
        with ExitStack() as running:
            apps = {}
            for name in NAMES:
                parts = PARTS[name]
                # One engine serves all three here, and one of them traces its statements.
                chosen = (
                    values if name == "staffstuddash" else {"environment": values["environment"]}
                )
                app = parts.app(
                    service_database(connection, parts.metadata), parts.settings(**chosen)
                )
                running.enter_context(TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 1)))
                apps[name] = app
            manager = DatastoreManager(Database.for_bind(connection, role="none"))
            manager.add_student("s-secret", NAME)
            with pages(apps, settings=Settings(**values)) as client:
                found = client.get(f"{STUDENT}?x=1", headers={"X-Request-ID": "r-1"})
                client.get(STUDENT)
                again = client.get(STUDENT, headers={"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"})
                client.post(
                    "/api/staffstuddash/api/v1/students", json={"id": "s-secret", "name": "x"}
                )
                client.get("/livez")
        transaction.rollback()

    assert (found.status_code, again.status_code) == (422, 200)
    stored = spans(collector)
    of_request = [each for each in stored if each["data"].get("veritas.request_id") == "r-1"]
    by_name = {each["component"]: each for each in of_request}
    page = by_name["GET /api/{service}/{path}"]
    service = by_name["GET /api/v1/students/{student_id}"]
    assert (page["source"], service["source"]) == ("veritas-web", "veritas-staffstuddash")
    assert service["metadata"]["trace_id"] == page["metadata"]["trace_id"]
    assert service["metadata"]["parent_span_id"] == page["metadata"]["span_id"]
    parents = {each["metadata"]["span_id"]: each["source"] for each in stored}
    statements = [each for each in stored if "db.query.text" in each["data"]]
    assert statements
    assert {parents[each["metadata"]["parent_span_id"]] for each in statements} == {
        "veritas-staffstuddash"
    }
    assert {each["metadata"]["trace_id"] for each in stored} >= {"a" * 32}
    text = str(stored)
    assert "students" in text
    assert [secret for secret in ("s-secret", "Grace", "x=1", "livez") if secret in text] == []


def test_without_the_libraries_a_service_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "shared_web.operations.tracing.export", None)
    parts = PARTS["monitoring"]
    settings = parts.settings(otel_exporter_otlp_endpoint="http://127.0.0.1:4318")

    with pytest.raises(ConfigurationError, match=r"pip install 'veritas\[otel\]'"):
        parts.app(Database.in_memory(parts.metadata), settings)
