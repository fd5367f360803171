"""Admission of callers before the query and the body of a request are read."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import anyio
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import iter_route_contexts

from shared_db.connection.database import Database
from shared_db.settings import Environment
from shared_web.app import Service as WebService
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.auth.keys import KeyManager, Scope
from shared_web.principals import Permission
from tests.support.service_cases import EVERY_SERVICE, Service

MANY_LISTS = gzip.compress(b"[" + b"[]," * 349_000 + b"[]]")  # 1,055 bytes, a megabyte as JSON
HEADERS = [
    (b"host", b"localhost"),
    (b"content-type", b"application/json"),
    (b"content-encoding", b"gzip"),
    (b"content-length", b"999999999999"),  # over the limit, which only admitted callers learn
]


@dataclass(frozen=True)
class Answer:
    """Status, problem type, and the number of reads of the body."""

    status: int
    slug: str
    reads: int


def call(app: FastAPI, method: str, path: str, key: str | None) -> Answer:
    """Call the app with an unknown query parameter and a body."""
    reads, sent = 0, list[dict[str, Any]]()

    async def receive() -> dict[str, Any]:
        nonlocal reads
        reads += 1
        return {"type": "http.request", "body": MANY_LISTS}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"nonsense=1",
        "headers": HEADERS + ([(b"authorization", f"Bearer {key}".encode())] if key else []),
        "client": ("192.0.2.7", 50000),
        "server": ("127.0.0.1", 80),
        "scheme": "http",
    }
    anyio.run(app, scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent).decode()
    return Answer(sent[0]["status"], body.partition("problem:")[2].partition('"')[0], reads)


def routes_of(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Yield method and path of each route that needs a key."""
    for route in iter_route_contexts(app.routes):
        path = route.path or ""
        if path.startswith("/api/"):
            yield from ((method, path) for method in sorted(route.methods or ()))


@pytest.fixture
def keys(postgres: Database) -> dict[Scope, str]:
    """Give a key of each scope."""
    manager = KeyManager(postgres)
    return {scope: manager.add_key(scope, [scope]) for scope in Scope}


@pytest.fixture(params=EVERY_SERVICE, ids=str)
def app(request: pytest.FixtureRequest, postgres: Database, keys: dict[Scope, str]) -> FastAPI:
    """Give each service, which needs keys because there are some."""
    assert keys
    service: Service = request.param
    app = service.make_app(postgres)
    app.state.authenticator.settings.environment = Environment.PRODUCTION
    app.state.prepare()
    return app


def test_callers_are_refused_before_the_query_and_the_body_are_read(
    app: FastAPI, keys: dict[Scope, str], subtests: pytest.Subtests
) -> None:
    routes = list(routes_of(app))
    assert len(routes) > 10
    for method, path in routes:
        with subtests.test(method=method, path=path):
            assert call(app, method, path, None) == Answer(401, "unauthenticated", 0)
            unknown = call(app, method, path, "veritas_unknown")
            assert unknown.slug in {"unauthenticated", "too-many-requests"}
            answers = [call(app, method, path, key) for key in keys.values()]
            refusals = {(answer.status, answer.slug) for answer in answers}
            for_all = {(403, "forbidden")} if path == "/api/v1/me" else set[tuple[int, str]]()
            # No scope has the permission `act_as`.
            is_for_pages = "/digests/" in path or path == "/api/v1/sign-ins"
            admitted = set() if is_for_pages else {(422, "invalid-request")}
            assert refusals | for_all == {(403, "forbidden"), *admitted}
            assert [answer.reads for answer in (unknown, *answers)] == [0] * 5


def test_a_route_without_a_permission_cannot_be_served() -> None:
    unkeyed = APIRouter()
    unkeyed.get("/open")(lambda: None)
    service = WebService("name", "title", "description", [], [unkeyed])
    read, erase = needs(Permission.STUDENTS_READ), needs(Permission.ERASE)

    with pytest.raises(TypeError, match="AdmittedRoute"):
        _ = service.routes
    for wrong in ([], [read, erase]):
        with pytest.raises(TypeError, match="one permission"):
            APIRouter(route_class=AdmittedRoute).get("/open", dependencies=wrong)(lambda: None)
    APIRouter(route_class=AdmittedRoute).get("/keyed", dependencies=[read])(lambda: None)
