"""Request bodies: decompressed as they come, and never more than the limit."""

import zlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared_db.errors import ServiceError
from shared_web.problems import RefusedWhileReading, TooLarge, WrongMediaType

_GZIP = 16 + zlib.MAX_WBITS


class UnsupportedEncoding(ServiceError):
    """The body is compressed in a way we do not read."""

    status = 415
    title = "The Content-Encoding is not supported"


class BrokenBody(ServiceError):
    """The body is not what its Content-Encoding says, or ended too early."""

    status = 400
    title = "The body is broken"


# What any route that takes a body may answer.
BODY_REFUSALS: tuple[type[ServiceError], ...] = (
    BrokenBody,
    TooLarge,
    UnsupportedEncoding,
    WrongMediaType,
)


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
            reader = _BodyReader(Headers(scope=scope), receive, self.max_bytes)
            if reader.is_compressed:
                headers = MutableHeaders(scope=scope)
                del headers["content-encoding"]
                del headers["content-length"]
            receive = reader.receive
        await self.app(scope, receive, send)


class _BodyReader:
    def __init__(self, headers: Headers, receive: Receive, max_bytes: int) -> None:
        self._receive = receive
        self._left = max_bytes
        self._max_bytes = max_bytes
        self._encoding = headers.get("content-encoding", "identity").strip().lower()
        announced = headers.get("content-length", "")
        # More digits than these announce too much anyway.
        is_number = announced.isascii() and announced.isdigit()
        self._announced = int(announced[:20]) if is_number else 0
        self._is_complete = False
        self._gzip = zlib.decompressobj(_GZIP)

    @property
    def is_compressed(self) -> bool:
        return self._encoding in ("gzip", "x-gzip")

    async def receive(self) -> Message:
        """Return the next piece; raised errors become problems, as this runs inside the route.

        Raises:
            RefusedWhileReading: more than the limit has come or is announced (413), neither gzip
                nor identity (415), not gzip after all or not all of it (400).

        """
        if self._announced > self._max_bytes:
            raise self._too_large()
        message = await self._receive()
        if message["type"] != "http.request":
            if not self._is_complete:
                raise RefusedWhileReading(BrokenBody("The client went away."))
            return message
        body = self._decoded(message.get("body", b""))
        self._left -= len(body)
        if self._left < 0:
            raise self._too_large()
        self._is_complete = not message.get("more_body", False)
        if self.is_compressed and self._is_complete and not self._gzip.eof:
            raise RefusedWhileReading(BrokenBody("The gzip data end too early."))
        return {**message, "body": body}

    def _decoded(self, body: bytes) -> bytes:
        if self._encoding in ("identity", ""):
            return body
        if not self.is_compressed:
            raise RefusedWhileReading(UnsupportedEncoding("Send the body as it is or as gzip."))
        try:
            unfolded = self._gzip.decompress(body, self._left + 1)
        except zlib.error as failure:
            refusal = BrokenBody("The body is not gzip, although Content-Encoding says so.")
            raise RefusedWhileReading(refusal) from failure
        if self._gzip.unused_data:
            # Perhaps a second gzip file: leaving it out in silence would lose rows.
            raise RefusedWhileReading(BrokenBody("Something follows the end of the gzip data."))
        return unfolded

    def _too_large(self) -> RefusedWhileReading:
        return RefusedWhileReading(
            TooLarge(
                f"The body may have {self._max_bytes} bytes, counted after decompressing. "
                "Send it in parts."
            )
        )
