"""docs/security.md: its statements on keys, browsers and open routes."""

import re

import pytest
from starlette.testclient import TestClient

import monitoring_service.main
from monitoring_service.settings import Settings
from shared_db.settings import Environment
from shared_web.principals import BUILT_IN_ROLES, SCOPES, Permission, Scope
from tests.support.services import PARTS, openapi_of
from tests.support.source_files import ROOT

TEXT = (ROOT / "docs" / "security.md").read_text()


def section(title: str) -> str:
    """Return the text under a heading."""
    return re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:][titles().index(title)]


def titles() -> list[str]:
    return re.findall(r"^## (.+)$", TEXT, flags=re.MULTILINE)


def words(cell: str) -> set[str]:
    return set(re.findall(r"`([\w.]+)`", cell))


def test_every_scope_is_explained() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", section("API keys"), re.MULTILINE))

    assert list(rows) == list(Scope)
    for scope in (Scope.READ, Scope.WRITE, Scope.INGEST):
        assert words(rows[scope]) == SCOPES[scope]
    assert words(rows[Scope.ADMIN]) == set(Permission) - SCOPES[Scope.ADMIN]


def test_every_permission_is_explained() -> None:
    table = section("Permissions and roles").partition("| role |")[0]

    assert re.findall(r"^\| `([\w.]+)` \|", table, re.MULTILINE) == list(Permission)


def test_every_built_in_role_is_explained() -> None:
    table = section("Permissions and roles").partition("| role |")[2]
    rows = re.findall(r"^\| `(\w+)` \| (all|own) \| (.+) \|$", table, re.MULTILINE)
    named = {name: words(permissions) for name, _, permissions in rows}

    assert list(named) == list(BUILT_IN_ROLES)
    for name, sight, text in rows:
        role = BUILT_IN_ROLES[name]
        assert (sight == "all") is role.sees_all
        if "all but" in text:
            assert role.permissions == set(Permission) - named[name]
        else:
            others = [role for role in BUILT_IN_ROLES if role in named[name]]
            found = set[str]().union(named[name], *(named[other] for other in others))
            assert role.permissions == found - {*others}


@pytest.mark.parametrize("service", PARTS)
def test_the_open_routes_are_those_it_names(service: str) -> None:
    document = openapi_of(service)
    keyless = {
        path
        for path, operations in document["paths"].items()
        for operation in operations.values()
        if not operation.get("security")
    }
    named = set(re.findall(r"`(/\w[\w./]*)`", section("API keys").partition("veritas keys")[0]))

    assert keyless | {"/openapi.json", "/docs"} == named - {"/api"}
    assert all(path.startswith("/api/") for path in document["paths"].keys() - keyless)


def test_pages_may_send_and_read_the_headers_it_names() -> None:
    settings = Settings(
        environment=Environment.DEVELOPMENT, cors_origins=("https://dashboard.school.example",)
    )
    client = TestClient(monitoring_service.main.create_app(settings=settings))
    asked = {"Access-Control-Request-Method": "GET", "Origin": settings.cors_origins[0]}
    sent = client.options("/api/v1/monitoring/logs", headers=asked).headers
    read = client.get("/livez", headers=asked).headers
    foreign = client.get("/livez", headers={"Origin": "https://elsewhere.example"}).headers
    text = section("In the browser")
    # Those that any page may send without asking.
    plain = {"Accept", "Accept-Language", "Content-Language"}
    allowed = set(sent["access-control-allow-headers"].split(", ")) - plain
    exposed = set(read["access-control-expose-headers"].split(", "))

    assert set(re.findall(r"`([A-Z][\w-]+-?\w*)`", text)) == allowed | exposed | {"CORS_ORIGINS"}
    assert "access-control-allow-credentials" not in {*sent, *read}
    assert "access-control-allow-origin" not in foreign
