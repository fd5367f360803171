"""Scope of each route of the three services, generated from their OpenAPI documents."""

import re

import pytest
from starlette.testclient import TestClient

from shared_db.connection.database import Database
from shared_db.settings import Environment
from shared_web.auth import key_lookup
from shared_web.auth.keys import KeyManager, Scope
from tests.support.services import PARTS, routes_of
from tests.support.source_files import ROOT

DOCUMENT = (ROOT / "docs" / "api.md").read_text()
MONITORING = "/api/v1/monitoring"
DEMOGRAPHICS = "/api/v1/students/{student_id}/demographics"
EXCEPTIONS = {
    ("POST", "/api/v1/events"): Scope.INGEST,
    ("POST", "/api/v1/events/batch"): Scope.INGEST,
    ("GET", "/api/v1/students/{student_id}/export"): Scope.ADMIN,
    ("POST", "/api/v1/students/{student_id}/merge"): Scope.ADMIN,
    ("POST", f"{MONITORING}/events"): Scope.INGEST,
    ("POST", f"{MONITORING}/events/batch"): Scope.INGEST,
    ("POST", f"{MONITORING}/logs/query"): Scope.READ,
    ("POST", f"{MONITORING}/maintenance/cleanup"): Scope.ADMIN,
    ("GET", DEMOGRAPHICS): Scope.ADMIN,
    ("PUT", DEMOGRAPHICS): Scope.ADMIN,
    ("DELETE", DEMOGRAPHICS): Scope.ADMIN,
}
OPEN = {("GET", "/livez"), ("GET", "/readyz"), ("GET", "/health")}


def needed_scope(method: str, path: str) -> Scope:
    return EXCEPTIONS.get((method, path), Scope.READ if method == "GET" else Scope.WRITE)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_exceptions_are_routes() -> None:
    assert EXCEPTIONS.keys() <= {route for service in PARTS for route in routes_of(service)}


@pytest.mark.parametrize("service", PARTS)
def test_a_route_admits_only_its_documented_scope(
    service: str, postgres: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_lookup, "_FAILURES", 1000)  # one address sends many unknown keys
    manager = KeyManager(postgres)
    keys = {scope: manager.add_key(f"{scope}-key", [scope]) for scope in Scope}
    parts = PARTS[service]
    routes = set(routes_of(service)) - OPEN
    assert len(routes) > 10

    app = parts.app(postgres, parts.settings(environment=Environment.PRODUCTION))
    with TestClient(app) as client:
        for method, path in sorted(routes):
            needed = needed_scope(method, path)
            assert f"| `{method} {path}` | {needed} |" in DOCUMENT
            url = re.sub(r"{\w+}", "unknown", path)
            for headers in ({}, bearer("veritas_guess")):
                unknown = client.request(method, url, headers=headers)
                assert unknown.status_code == 401, (method, path)
                assert unknown.headers["WWW-Authenticate"] == "Bearer"
                assert unknown.json()["type"] == "urn:veritas:problem:unauthenticated"
            for scope, key in keys.items():
                answer = client.request(method, url, headers=bearer(key))
                is_admitted = answer.status_code not in (401, 403)
                assert is_admitted is (scope in (needed, Scope.ADMIN)), (method, path, scope)
                if not is_admitted:
                    assert answer.json()["type"] == "urn:veritas:problem:forbidden"
                    assert f"`{needed}`" in answer.json()["detail"]


@pytest.mark.parametrize("service", PARTS)
def test_probes_and_documentation_need_no_key(service: str, postgres: Database) -> None:
    KeyManager(postgres).add_key("dashboard", [Scope.READ])
    parts = PARTS[service]
    app = parts.app(postgres, parts.settings(environment=Environment.PRODUCTION))

    with TestClient(app) as client:
        for path in (*(path for _, path in OPEN), "/docs", "/openapi.json"):
            assert client.get(path).status_code == 200, path
