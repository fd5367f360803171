"""Headers of personal answers: no cache stores them, and no browser guesses their type."""

import re

import pytest
from starlette.testclient import TestClient

from shared_db.connection.database import Database
from shared_db.settings import Environment
from shared_web.auth.keys import KeyManager, Scope
from shared_web.problems import TooLarge
from shared_web.wire.problem_bytes import problem_on_the_wire
from tests.support.databases import LOOPBACK
from tests.support.service_cases import Target
from tests.support.services import PARTS, routes_of

PERSONAL = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
# Answers about the whole school without students, which a client may store and ask for again.
WITHOUT_STUDENTS = {
    f"/api/v1/monitoring/{name}" for name in ("stats", "health", "sources", "analytics/timeseries")
}


def private_headers(answer: object) -> dict[str, str]:
    headers = answer.headers  # type: ignore[attr-defined] # of the client's response
    return {name: headers[name] for name in PERSONAL if name in headers}


def test_every_route_of_the_api_answers_privately(target: Target) -> None:
    routes = [route for route in routes_of(target.service.name) if route[1].startswith("/api/")]
    assert len(routes) > 10

    for method, path in routes:
        answer = target.client.request(method, re.sub(r"{\w+(:path)?}", "unknown", path))

        expected = PERSONAL
        if path in WITHOUT_STUDENTS and answer.status_code == 200:
            expected = PERSONAL | {"cache-control": "private, no-cache"}
        assert private_headers(answer) == expected, (method, path)
    assert target.client.get(target.service.listing).status_code == 200


@pytest.mark.parametrize("service", PARTS)
def test_refusals_before_the_route_are_private(service: str, postgres: Database) -> None:
    KeyManager(postgres).add_key("screen", [Scope.READ])
    parts = PARTS[service]
    app = parts.app(postgres, parts.settings(environment=Environment.PRODUCTION))
    paths = [path for _, path in routes_of(service) if path.startswith("/api/")]

    with TestClient(app) as client:
        answers = [client.get(paths[0]), client.get("/api/v1/nowhere"), client.head(paths[0])]

    assert [answer.status_code for answer in answers][1] == 404
    assert answers[0].status_code in (401, 405)
    assert [private_headers(answer) for answer in answers] == [PERSONAL] * 3


@pytest.mark.parametrize("service", PARTS)
def test_probes_and_documentation_keep_their_headers(service: str) -> None:
    parts = PARTS[service]
    settings = parts.settings(environment=Environment.DEVELOPMENT)
    app = parts.app(Database.in_memory(parts.metadata), settings)

    with TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000)) as client:
        for path in ("/livez", "/readyz", "/health", "/openapi.json", "/docs"):
            assert "cache-control" not in client.get(path).headers, path


def test_a_refusal_without_a_route_is_private() -> None:
    answer = problem_on_the_wire(TooLarge("The body is too large."), "r-1", ()).decode()

    assert "\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n" in answer
