"""Request bodies: decompressed as they come, and never more than the limit."""

import zlib

from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared_db.errors import ServiceError
from shared_web.problems import RefusedWhileReading, RequestTooSlow, TooLarge, WrongMediaType

# Where a route finds what reads its body.
BODY_READER = "veritas.body_reader"

_GZIP = 16 + zlib.MAX_WBITS
# How much is unfolded at once: on the event loop at first, then in a thread.
_FIRST_BYTES = 64 * 1024
_PIECE_BYTES = 256 * 1024


class UnsupportedEncoding(ServiceError):
    """The body is compressed in a way we do not read."""

    slug = "unsupported-encoding"
    status = 415
    title = "The Content-Encoding is not supported"


class BrokenBody(ServiceError):
    """The body is not what its Content-Encoding says, or ended too early."""

    slug = "broken-body"
    status = 400
    title = "The body is broken"


# What any route that takes a body may answer.
BODY_REFUSALS: tuple[type[ServiceError], ...] = (
    BrokenBody,
    RequestTooSlow,
    TooLarge,
    UnsupportedEncoding,
    WrongMediaType,
)


_READ_HEADERS = {b"content-encoding", b"content-length"}


class BodyLimit:
    """Middleware that counts the body while it is read, after decompressing it.

    A small compressed body can unfold to gigabytes, so it is unfolded only as far as the limit.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a `receive` that counts."""
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
    """Reads one body, counts it, and unfolds it where it is compressed."""

    def __init__(self, scope: Scope, receive: Receive, max_bytes: int) -> None:
        sent = {name: value for name, value in scope["headers"] if name in _READ_HEADERS}
        self._receive = receive
        self._left = max_bytes
        self._max_bytes = max_bytes
        encoding = sent.get(b"content-encoding", b"identity")
        self._encoding = encoding.decode("latin-1").strip().lower()
        announced = sent.get(b"content-length", b"")
        # More digits than these announce too much anyway.
        self._announced = int(announced[:20]) if announced.isdigit() else 0
        self._is_complete = False
        self._has_begun = False
        self._gzip = zlib.decompressobj(_GZIP) if self.is_compressed else None
        self._folded: Message | None = None

    @property
    def is_compressed(self) -> bool:
        """Tell whether the body comes as gzip."""
        return self._encoding in ("gzip", "x-gzip")

    def allow(self, max_bytes: int) -> None:
        """Let the body have so many bytes; for a route whose bodies may be longer than others'."""
        self._left += max_bytes - self._max_bytes
        self._max_bytes = max_bytes

    async def receive(self) -> Message:
        """Return the next piece; raised errors become problems, as this runs inside the route.

        Raises:
            RefusedWhileReading: more than the limit has come or is announced (413), neither gzip
                nor identity (415), not gzip after all or not all of it (400).

        """
        if self._announced > self._max_bytes:
            raise self._too_large()
        message = await self._next()
        if message["type"] != "http.request":
            if not self._is_complete:
                raise RefusedWhileReading(BrokenBody("The client went away."))
            return message
        body = await self._decoded(message)
        self._left -= len(body)
        if self._left < 0:
            raise self._too_large()
        self._is_complete = not (message.get("more_body", False) or self._folded)
        if self._gzip is not None and self._is_complete and not self._gzip.eof:
            raise RefusedWhileReading(BrokenBody("The gzip data end too early."))
        return {**message, "body": body, "more_body": not self._is_complete}

    async def _next(self) -> Message:
        """Return the next message, or what is still folded of the last one."""
        if self._folded is None:
            return await self._receive()
        message, self._folded = self._folded, None
        return message

    async def _decoded(self, message: Message) -> bytes:
        body: bytes = message.get("body", b"")
        if self._gzip is not None:
            return await self._unfolded(self._gzip, body, message)
        if self._encoding not in ("identity", ""):
            raise RefusedWhileReading(UnsupportedEncoding("Send the body as it is or as gzip."))
        return body

    async def _unfolded(self, gzip: "zlib._Decompress", body: bytes, message: Message) -> bytes:
        is_first, self._has_begun = not self._has_begun, True
        most = _FIRST_BYTES if is_first else _PIECE_BYTES
        try:
            if is_first:  # mostly the only one: a thread would take longer than the work
                decompressed = gzip.decompress(body, most)
            else:
                decompressed = await run_in_threadpool(gzip.decompress, body, most)
        except zlib.error as failure:
            refusal = BrokenBody("The body is not gzip, although Content-Encoding says so.")
            raise RefusedWhileReading(refusal) from failure
        if gzip.unused_data:
            # Perhaps a second gzip file: leaving it out in silence would lose rows.
            raise RefusedWhileReading(BrokenBody("Something follows the end of the gzip data."))
        if len(decompressed) == most and not gzip.eof:
            self._folded = {**message, "body": gzip.unconsumed_tail}
        return decompressed

    def _too_large(self) -> RefusedWhileReading:
        return RefusedWhileReading(
            TooLarge(
                f"The body may have {self._max_bytes} bytes, counted after decompressing. "
                "Send it in parts."
            )
        )
