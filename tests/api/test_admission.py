"""A caller is admitted before the body is read, on every route of all services."""

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
from shared_web.auth.dependencies import READ
from shared_web.auth.keys import KeyManager, Scope
from tests.support.service_cases import EVERY_SERVICE, Service

# 1,055 bytes, which unfold to a megabyte of empty lists.
MANY_LISTS = gzip.compress(b"[" + b"[]," * 349_000 + b"[]]")


@dataclass(frozen=True)
class Answer:
    """An answer, and how often the body was asked for."""

    status: int
    type: str
    reads: int


def call(app: FastAPI, method: str, path: str, key: str | None, query: bytes = b"") -> Answer:
    """Call the app with a body that says how often it was asked for."""
    reads, sent = 0, list[dict[str, Any]]()

    async def receive() -> dict[str, Any]:
        nonlocal reads
        reads += 1
        return {"type": "http.request", "body": MANY_LISTS}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json"), (b"content-encoding", b"gzip")]
    headers += [(b"authorization", f"Bearer {key}".encode())] if key else []
    # More than any limit allows, which is told only to a caller who is admitted.
    headers.append((b"content-length", b"999999999999"))
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query,
        "headers": headers,
        "client": ("192.0.2.7", 50000),
        "server": ("127.0.0.1", 80),
        "scheme": "http",
    }
    anyio.run(app, scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent).decode()
    return Answer(sent[0]["status"], body.partition("problem:")[2].partition('"')[0], reads)


def routes_of(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Yield method and path of each route under a key."""
    for route in iter_route_contexts(app.routes):
        path = route.path or ""
        if path.startswith("/api/"):
            yield from ((method, path) for method in sorted(route.methods or ()))


@pytest.fixture(params=EVERY_SERVICE, ids=str)
def app(request: pytest.FixtureRequest, postgres: Database) -> FastAPI:
    """Give each service with a database in which there are keys."""
    service: Service = request.param
    app = service.make_app(postgres)
    app.state.authenticator.settings.environment = Environment.PRODUCTION
    KeyManager(postgres).add_key("somebody", [Scope.ADMIN])
    app.state.prepare()
    return app


def test_without_a_key_no_body_is_read(app: FastAPI, subtests: pytest.Subtests) -> None:
    routes = list(routes_of(app))
    assert any(method == "POST" for method, _ in routes)
    for method, path in routes:
        for key in (None, "veritas_unknown"):
            with subtests.test(method=method, path=path, key=key):
                answer = call(app, method, path, key)
                assert answer.type in {"unauthenticated", "too-many-requests"}
                assert answer.status == (401 if answer.type == "unauthenticated" else 429)
                assert answer.reads == 0


def test_without_the_scope_no_body_is_read(
    app: FastAPI, postgres: Database, subtests: pytest.Subtests
) -> None:
    """A key without any of the scopes of the services."""
    keys = KeyManager(postgres)
    scopes = {Scope.READ, Scope.WRITE, Scope.INGEST}
    others = {scope: keys.add_key(f"not-{scope}", scopes - {scope}) for scope in scopes}
    refused = 0
    for method, path in routes_of(app):
        with subtests.test(method=method, path=path):
            answers = [call(app, method, path, key) for key in others.values()]
            of_others = [answer for answer in answers if answer.status == 403]
            assert of_others
            assert [answer.reads for answer in of_others] == [0] * len(of_others)
            refused += len(of_others)
    assert refused


def test_the_key_is_asked_for_before_the_query_is_looked_at(app: FastAPI) -> None:
    for method, path in routes_of(app):
        assert call(app, method, path, None, query=b"nonsense=1").status == 401


def test_a_router_that_admits_nobody_cannot_be_served() -> None:
    unkeyed = APIRouter()
    unkeyed.get("/open")(lambda: None)
    service = WebService("name", "title", "description", [], [unkeyed])

    with pytest.raises(TypeError, match="AdmittedRoute"):
        _ = service.routes
    with pytest.raises(TypeError, match="scope"):
        APIRouter(route_class=AdmittedRoute).get("/open")(lambda: None)
    APIRouter(route_class=AdmittedRoute).get("/keyed", dependencies=[READ])(lambda: None)
