"""Habits of HTTP clients: HEAD, unencoded zones, preflight requests, and paths beside ids."""

import re
from collections import defaultdict
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts
from starlette.testclient import TestClient

from shared_db.connection.database import Database
from shared_db.settings import Environment, Fallback
from staffstuddash_service.datastore import DatastoreManager
from tests.support.databases import LOOPBACK, OpenDatabase
from tests.support.factories import (
    a_learning_event,
    a_student,
    a_system_event,
    an_assessment,
)
from tests.support.service_cases import Target
from tests.support.services import PARTS, routes_of

DASHBOARD = "https://dashboard.school.example"
# Literal segments of paths where other paths have an id.
BESIDE_IDS = {
    "monitoring": {"/api/v1/monitoring/logs/{event_id}": {"query"}},
    "staffstuddash": {
        "/api/v1/students/{student_id}": {"batch", "csv"},
        "/api/v1/assessments/{assessment_id}": {"batch", "csv"},
        "/api/v1/people/{person_id}": {"csv"},
        "/api/v1/classes/{class_id}": {"csv"},
    },
    "dropout": {},
}
PROBES = ("/livez", "/readyz", "/health", "/docs", "/openapi.json")


def test_head_answers_as_get_without_a_body(target: Target) -> None:
    paths = [path for method, path in routes_of(target.service.name) if method == "GET"]

    for path in {*paths, *PROBES, "/nowhere", "/api/v1/nowhere"}:
        url = re.sub(r"{\w+(:path)?}", "unknown", path)
        got, head = target.client.get(url), target.client.head(url)

        assert head.status_code == got.status_code, path
        assert head.content == b"", path
        assert head.headers["content-type"] == got.headers["content-type"], path
        assert int(head.headers["content-length"]) > 0, path
        assert head.headers["x-request-id"], path


def test_head_is_refused_where_get_is(target: Target) -> None:
    answer = target.client.head(f"{target.service.route}/batch")

    assert answer.status_code == target.client.get(f"{target.service.route}/batch").status_code
    if answer.status_code == 405:
        assert "POST" in answer.headers["allow"]


def test_allowed_methods_include_head(target: Target) -> None:
    answer = target.client.put(target.service.listing)

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    ("zone", "is_encoded"), [("+01:00", False), ("+0100", False), ("+01:00", True)]
)
def test_the_refusal_of_an_unencoded_zone_has_the_remedy(
    monitoring_client: TestClient, zone: str, *, is_encoded: bool
) -> None:
    sent = zone.replace("+", "%2B") if is_encoded else zone
    answer = monitoring_client.get(
        f"/api/v1/monitoring/logs?timestamp__gte=2026-01-01T00:00:00{sent}"
    )

    assert answer.status_code == (200 if is_encoded else 422)
    if not is_encoded:
        [error] = answer.json()["errors"]
        assert error["field"] == "timestamp__gte"
        assert "%2B" in error["message"]


@pytest.mark.parametrize("service", PARTS)
@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}, "origin"),
        ({"Origin": DASHBOARD, "Access-Control-Request-Method": "BREW"}, "method"),
        (
            {
                "Origin": DASHBOARD,
                "Access-Control-Request-Method": "GET",
                "Access-Control-Request-Headers": "x-secret",
            },
            "headers",
        ),
    ],
)
def test_a_refused_preflight_request_is_a_problem(
    service: str, headers: dict[str, str], reason: str
) -> None:
    parts = PARTS[service]
    settings = parts.settings(environment=Environment.DEVELOPMENT, cors_origins=(DASHBOARD,))
    app = parts.app(Database.in_memory(parts.metadata), settings)
    client = TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000))

    answer = client.options("/livez", headers=headers)
    allowed = client.options(
        "/livez", headers={"Origin": DASHBOARD, "Access-Control-Request-Method": "HEAD"}
    )

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == "urn:veritas:problem:preflight-refused"
    assert f"Not allowed: {reason}." in problem["detail"]
    assert problem["request_id"] == answer.headers["x-request-id"]
    is_allowed = headers["Origin"] == DASHBOARD
    assert ("access-control-allow-origin" in answer.headers) is is_allowed
    assert allowed.status_code == 200


@pytest.mark.parametrize("service", PARTS)
def test_paths_beside_ids_are_known(service: str) -> None:
    parts = PARTS[service]
    app = parts.app(
        Database.in_memory(parts.metadata), parts.settings(environment=Environment.DEVELOPMENT)
    )
    paths = {(route.path or "").rstrip("/") for route in iter_route_contexts(app.routes)}
    found = defaultdict[str, set[str]](set)
    for path in paths:
        for place in re.finditer(r"{", path):
            before = path[: place.start()]
            others = [other.removeprefix(before) for other in paths if other.startswith(before)]
            literals = {other.partition("/")[0] for other in others if not other.startswith("{")}
            if literals:
                found[path[: path.index("}", place.start()) + 1]] |= literals

    assert found == BESIDE_IDS[service]


def a_mark(**changes: Any) -> dict[str, Any]:
    """Return an assessment to POST to dropout."""
    mark = an_assessment(**changes)
    mark["submitted_at"] = mark.pop("timestamp")
    return mark


NEW_ROWS: list[tuple[str, str, str, Any]] = [
    ("staffstuddash", "/api/v1/students", "id", a_student),
    ("dropout", "/api/v1/students", "id", a_student),
    ("dropout", "/api/v1/events", "student_id", a_learning_event),
    ("dropout", "/api/v1/assessments", "student_id", a_mark),
    ("monitoring", "/api/v1/monitoring/events", "event_id", a_system_event),
]


@pytest.mark.parametrize(("service", "route", "field", "body"), NEW_ROWS)
def test_ids_that_are_paths_are_refused(
    open_database: OpenDatabase, service: str, route: str, field: str, body: Any
) -> None:
    parts = PARTS[service]
    settings = parts.settings(environment=Environment.DEVELOPMENT, fallback=Fallback.OFF)
    app = parts.app(open_database(parts.metadata), settings)
    app.state.prepare()
    client = TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000))
    reserved = {"query"} if service == "monitoring" else {"batch", "csv"}

    for word in reserved:
        row = body(**{field: word})
        answer = client.post(route, json=row)
        batch = client.post(f"{route}/batch", json=[row])

        assert answer.status_code == 422, answer.text
        [error] = answer.json()["errors"]
        assert error["field"] == field
        assert word in error["message"]
        if batch.status_code == 200:
            assert batch.json()["refused"] == 1
    assert client.get(f"{route}/{word}").status_code in (404, 405)


def test_rows_with_such_ids_stay_readable(
    staffstuddash_client: TestClient, datastore: DatastoreManager
) -> None:
    datastore.students.add("csv", "Ada", None)

    assert staffstuddash_client.get("/api/v1/students/csv").json()["name"] == "Ada"
    assert staffstuddash_client.delete("/api/v1/students/csv").status_code == 200
