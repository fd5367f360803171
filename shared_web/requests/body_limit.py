"""Limit of request bodies, which are decompressed while they are received."""

import zlib

from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared_db.errors import ServiceError
from shared_web.problems import BodyRefused, RequestTooSlow, TooLarge, WrongMediaType

# Key of the `BodyReader` in the scope of a request.
BODY_READER = "veritas.body_reader"

_GZIP = 16 + zlib.MAX_WBITS
# Bytes that are decompressed at once: the first piece on the event loop, others in a thread.
_FIRST_BYTES = 64 * 1024
_PIECE_BYTES = 256 * 1024


class UnsupportedEncoding(ServiceError):
    """The compression of the body is not supported."""

    slug = "unsupported-encoding"
    status = 415
    title = "The Content-Encoding is not supported"


class BrokenBody(ServiceError):
    """The body does not fit its Content-Encoding, or ends too early."""

    slug = "broken-body"
    status = 400
    title = "The body is broken"


# Refusals of every route with a body.
BODY_REFUSALS: tuple[type[ServiceError], ...] = (
    BrokenBody,
    RequestTooSlow,
    TooLarge,
    UnsupportedEncoding,
    WrongMediaType,
)


_READ_HEADERS = {b"content-encoding", b"content-length"}


class BodyLimit:
    """Middleware that decompresses the body and counts its bytes while it is read.

    A small compressed body can contain gigabytes, so it is decompressed only up to the limit.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app with the `receive` of a `BodyReader`."""
        if scope["type"] == "http":
            reader = BodyReader(scope, receive, self.max_bytes)
            scope[BODY_READER] = reader
            if reader.is_compressed:
                headers = MutableHeaders(scope=scope)
                del headers["content-encoding"]
                del headers["content-length"]
            receive = reader.receive
        await self.app(scope, receive, send)


class BodyReader:
    """Reader of one body, which counts its bytes and decompresses them if necessary."""

    def __init__(self, scope: Scope, receive: Receive, max_bytes: int) -> None:
        sent = {name: value for name, value in scope["headers"] if name in _READ_HEADERS}
        self._receive = receive
        self._left = max_bytes
        self._max_bytes = max_bytes
        encoding = sent.get(b"content-encoding", b"identity")
        self._encoding = encoding.decode("latin-1").strip().lower()
        announced = sent.get(b"content-length", b"")
        # A number with more digits exceeds every limit, too.
        self._announced = int(announced[:20]) if announced.isdigit() else 0
        self._is_complete = False
        self._has_begun = False
        self._gzip = zlib.decompressobj(_GZIP) if self.is_compressed else None
        self._compressed_rest: Message | None = None

    @property
    def is_compressed(self) -> bool:
        """True if the body is sent as gzip."""
        return self._encoding in ("gzip", "x-gzip")

    def allow(self, max_bytes: int) -> None:
        """Set the limit of this body, for a route with longer bodies than others."""
        self._left += max_bytes - self._max_bytes
        self._max_bytes = max_bytes

    async def receive(self) -> Message:
        """Return the next piece; errors become problems, since the route calls this.

        Raises:
            BodyRefused: the body, or its Content-Length, exceeds the limit (413), is neither gzip
                nor identity (415), or is not valid or not complete gzip (400).

        """
        if self._announced > self._max_bytes:
            raise self._too_large()
        message = await self._next()
        if message["type"] != "http.request":
            if not self._is_complete:
                raise BodyRefused(BrokenBody("The client went away."))
            return message
        body = await self._decoded(message)
        self._left -= len(body)
        if self._left < 0:
            raise self._too_large()
        self._is_complete = not (message.get("more_body", False) or self._compressed_rest)
        if self._gzip is not None and self._is_complete and not self._gzip.eof:
            raise BodyRefused(BrokenBody("The gzip data end too early."))
        return {**message, "body": body, "more_body": not self._is_complete}

    async def _next(self) -> Message:
        """Return the next message, or the compressed rest of the last one."""
        if self._compressed_rest is None:
            return await self._receive()
        message, self._compressed_rest = self._compressed_rest, None
        return message

    async def _decoded(self, message: Message) -> bytes:
        body: bytes = message.get("body", b"")
        if self._gzip is not None:
            return await self._decompressed(self._gzip, body, message)
        if self._encoding not in ("identity", ""):
            raise BodyRefused(UnsupportedEncoding("Send the body as it is or as gzip."))
        return body

    async def _decompressed(self, gzip: "zlib._Decompress", body: bytes, message: Message) -> bytes:
        is_first, self._has_begun = not self._has_begun, True
        most = _FIRST_BYTES if is_first else _PIECE_BYTES
        try:
            if is_first:  # usually the only one: a thread would take longer than the work
                decompressed = gzip.decompress(body, most)
            else:
                decompressed = await run_in_threadpool(gzip.decompress, body, most)
        except zlib.error as failure:
            refusal = BrokenBody("The body is not gzip, although Content-Encoding says so.")
            raise BodyRefused(refusal) from failure
        if gzip.unused_data:
            # Perhaps a second gzip file: ignoring it would lose rows.
            raise BodyRefused(BrokenBody("Something follows the end of the gzip data."))
        if len(decompressed) == most and not gzip.eof:
            self._compressed_rest = {**message, "body": gzip.unconsumed_tail}
        return decompressed

    def _too_large(self) -> BodyRefused:
        return BodyRefused(
            TooLarge(
                f"The body may have {self._max_bytes} bytes, counted after decompressing. "
                "Send it in parts."
            )
        )
