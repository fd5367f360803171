"""Permission of each route of the three services, generated from their OpenAPI documents."""

import re

import pytest
from starlette.testclient import TestClient

from shared_db.connection.database import Database
from shared_db.settings import Environment
from shared_web.auth import key_lookup
from shared_web.auth.keys import KeyManager
from shared_web.principals import Permission, Scope
from tests.support.services import PARTS, openapi_of
from tests.support.source_files import ROOT

DOCUMENT = (ROOT / "docs" / "api.md").read_text()
OPEN = {("GET", "/livez"), ("GET", "/readyz"), ("GET", "/health")}
# Routes that admit every caller with a key.
FOR_ALL = {("GET", "/api/v1/me")}

Route = tuple[str, str]


def permissions_of(service: str) -> dict[Route, Permission]:
    """Return the permission of each route that asks for one."""
    return {
        (method.upper(), path): Permission(operation["x-permission"])
        for path, operations in openapi_of(service)["paths"].items()
        for method, operation in operations.items()
        if "x-permission" in operation
    }


def routes_of(service: str) -> set[Route]:
    paths = openapi_of(service)["paths"]
    return {(method.upper(), path) for path, operations in paths.items() for method in operations}


def documented(service: str) -> str:
    """Return the sections of the document on a service."""
    sections = re.split(r"^## ", DOCUMENT, flags=re.MULTILINE)
    return "".join(part for part in sections if part.startswith((f"{service} (", "Every service")))


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.parametrize("service", PARTS)
def test_a_route_states_its_permission_in_both_documents(service: str) -> None:
    needed, text = permissions_of(service), documented(service)

    assert len(needed) > 10
    assert routes_of(service) - needed.keys() == OPEN | FOR_ALL
    for (method, path), permission in needed.items():
        assert f"| `{method} {path}` | {permission} |" in text
    for method, path in FOR_ALL:
        assert f"| `{method} {path}` | any |" in text


@pytest.mark.parametrize("service", PARTS)
def test_a_route_admits_only_its_permission(
    service: str, postgres: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_lookup, "_FAILURES", 1000)  # one address sends many unknown keys
    manager, needed = KeyManager(postgres), permissions_of(service)
    exact, others = (
        {
            permission: manager.add_key(f"{prefix}{permission}", chosen(permission))
            for permission in set(needed.values())
        }
        for prefix, chosen in (
            ("only-", lambda permission: [permission]),
            ("all-but-", lambda permission: set(Permission) - {permission}),
        )
    )
    parts = PARTS[service]
    app = parts.app(postgres, parts.settings(environment=Environment.PRODUCTION))
    with TestClient(app) as client:
        for (method, path), permission in sorted(needed.items()):
            url = re.sub(r"{\w+}", "unknown", path)
            for headers in ({}, bearer("veritas_guess")):
                unknown = client.request(method, url, headers=headers)
                assert unknown.status_code == 401, (method, path)
                assert unknown.headers["WWW-Authenticate"] == "Bearer"
                assert unknown.json()["type"] == "urn:veritas:problem:unauthenticated"
            admitted = client.request(method, url, headers=bearer(exact[permission]))
            assert admitted.status_code not in (401, 403), (method, path)
            refused = client.request(method, url, headers=bearer(others[permission]))
            assert refused.status_code == 403, (method, path)
            assert refused.json()["type"] == "urn:veritas:problem:forbidden"
            assert f"`{permission}`" in refused.json()["detail"]


@pytest.mark.parametrize("service", PARTS)
def test_probes_and_documentation_need_no_key(service: str, postgres: Database) -> None:
    KeyManager(postgres).add_key("dashboard", [Scope.READ])
    parts = PARTS[service]
    app = parts.app(postgres, parts.settings(environment=Environment.PRODUCTION))

    with TestClient(app) as client:
        for path in (*(path for _, path in OPEN), "/docs", "/openapi.json"):
            assert client.get(path).status_code == 200, path
