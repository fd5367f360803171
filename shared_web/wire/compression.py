"""Compression of answers by gzip, for clients that accept it.

Only answers that are complete in one message are compressed: all JSON is, while downloads are sent
in pieces. An answer with `no-transform` in its `Cache-Control` stays as it is.
"""

import zlib

from fastapi import Depends, Response
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MIN_BYTES = 1024
# Beyond it the work is done in a thread, so that the event loop does not wait.
_LOOP_BYTES = 32 * 1024
# Two thirds of the time of level 6, for a twentieth more bytes.
_LEVEL = 4
_GZIP = 16 + zlib.MAX_WBITS
_NOT_MODIFIED = 304
_TYPES = ("application/json", "application/problem+json", "application/health+json", "text/")
_SECRET = "no-store, no-transform"  # noqa: S105 - a header


# async, so that it does not use a worker thread
async def _forbid(response: Response) -> None:
    response.headers["Cache-Control"] = _SECRET


# For routes that show a secret. The length of a compressed answer tells parts of the secret to a
# caller who chooses other text of the answer (BREACH).
UNCOMPRESSED = Depends(_forbid)


class Compression:
    """Middleware that compresses answers of a kilobyte or more."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        is_accepted = accepts_gzip(Headers(scope=scope))
        start: Message | None = None

        async def send_compressed(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            if start is not None:
                begin, start = start, None
                headers = MutableHeaders(raw=begin.setdefault("headers", []))
                if _is_compressible(headers) or begin["status"] == _NOT_MODIFIED:
                    headers.add_vary_header("Accept-Encoding")
                    body = message.get("body", b"")
                    is_whole = len(body) >= MIN_BYTES and not message.get("more_body", False)
                    if is_accepted and is_whole:
                        body = await _compressed(body)
                        headers["Content-Encoding"] = "gzip"
                        headers["Content-Length"] = str(len(body))
                        message = {**message, "body": body}
                await send(begin)
            await send(message)

        await self.app(scope, receive, send_compressed)


def accepts_gzip(headers: Headers) -> bool:
    """Return True if `Accept-Encoding` has gzip, or `*`, with a weight above 0."""
    weights: dict[str, bool] = {}
    for part in ",".join(headers.getlist("accept-encoding")).lower().split(","):
        coding, *parameters = (each.strip() for each in part.split(";"))
        weights[coding] = not any(_is_zero(parameter) for parameter in parameters)
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", False)))


def _is_zero(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    return name.strip() == "q" and value.strip().strip("0") in ("", ".")


def _is_compressible(headers: Headers) -> bool:
    if "content-encoding" in headers or "no-transform" in headers.get("cache-control", ""):
        return False
    return headers.get("content-type", "").startswith(_TYPES)


async def _compressed(body: bytes) -> bytes:
    if len(body) <= _LOOP_BYTES:
        return zlib.compress(body, _LEVEL, wbits=_GZIP)
    return await run_in_threadpool(zlib.compress, body, _LEVEL, wbits=_GZIP)
