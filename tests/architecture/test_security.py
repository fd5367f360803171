"""docs/security.md: its statements on keys, browsers and open routes."""

import re

import pytest
from starlette.testclient import TestClient

import monitoring_service.main
from monitoring_service.settings import Settings
from shared_db.settings import Environment
from shared_web.auth.keys import Scope
from tests.support.services import PARTS, openapi_of
from tests.support.source_files import ROOT

TEXT = (ROOT / "docs" / "security.md").read_text()


def section(title: str) -> str:
    """Return the text under a heading."""
    return re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:][titles().index(title)]


def titles() -> list[str]:
    return re.findall(r"^## (.+)$", TEXT, flags=re.MULTILINE)


def test_every_scope_is_explained() -> None:
    assert re.findall(r"^\| `(\w+)` \|", section("API keys"), re.MULTILINE) == list(Scope)


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
