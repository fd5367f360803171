"""A small app behind the limits of the HTTP server."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from fastapi import FastAPI, Request, Response

from shared_web.operations.serve import limits_of, server_options
from shared_web.settings import ServiceSettings
from shared_web.wire.connections import Connections
from shared_web.wire.protocol import LimitedProtocol
from tests.support.live_services import listening

# Endless requests: their beginning, and the part to repeat.
ENDLESS = {
    "header": (b"GET / HTTP/1.1\r\nHost: x\r\nX: ", b"a"),
    "name of a header": (b"GET / HTTP/1.1\r\nHost: x\r\nX", b"a"),
    "headers": (b"GET / HTTP/1.1\r\nHost: x\r\n", b"a: b\r\n"),
    "path": (b"GET /", b"a"),
    "empty lines": (b"", b"\r\n"),
    "trailer": (
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: ",
        b"a",
    ),
    "trailers": (
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n",
        b"a: b\r\n",
    ),
    "chunk extension": (
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;",
        b"a",
    ),
}

app = FastAPI()


@app.post("/")
async def read(request: Request) -> int:
    """Read the body."""
    return len(await request.body())


@app.post("/unread")
async def leave() -> Response:
    """Answer without reading the body."""
    return Response("no", status_code=401)


@app.get("/large")
async def large() -> Response:
    """Answer with more bytes than any buffer holds."""
    return Response(b"a" * 50_000_000)


@app.get("/")
async def client(request: Request, seconds: float = 0) -> dict[str, Any]:
    """Return the client's address."""
    await asyncio.sleep(seconds)
    assert request.client
    return {"client": request.client.host}


@contextmanager
def serving(settings: ServiceSettings | None = None, **limits: Any) -> Iterator[int]:
    """Serve the app with these limits; give the port."""
    options = server_options(settings or ServiceSettings())
    wanted = replace(limits_of(settings or ServiceSettings()), **limits)
    options["http"] = partial(LimitedProtocol, connections=Connections(wanted))
    with listening(app, options) as port:
        yield port
