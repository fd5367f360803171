"""Uvicorn's protocol on httptools, with limits of the data stored per connection.

httptools stores headers without limit, and uvicorn pipelined requests. This uses methods of
`HttpToolsProtocol` that are not documented; if they change, a test names the ones to check.
"""

import asyncio
from typing import Any

import httptools
import structlog
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from shared_db.errors import Overloaded, ServiceError
from shared_db.ids import new_id
from shared_web.problems import HeadersTooLarge
from shared_web.wire.connections import Connections
from shared_web.wire.problem_bytes import MalformedRequest, problem_on_the_wire

logger = structlog.stdlib.get_logger("veritas.requests")

# Limit of the request line with all headers, and also of chunk framing and trailers.
HEAD_BYTES = 64 * 1024
MAX_HEADERS = 200
# Bytes that are parsed before the limits are checked again.
PIECE_BYTES = 8 * 1024
# Requests that one connection may send before the first one is answered.
MAX_PIPELINED = 16
# Bytes that are read and discarded after a refusal, so that the client can read the refusal.
_DISCARDED_BYTES = 4 * 1024 * 1024

_TOO_LARGE = (
    f"The request line and headers may have {HEAD_BYTES} bytes and {MAX_HEADERS} headers in all. "
    "Send less, for instance what is long in the body."
)


class _Flow(FlowControl):
    """Flow control that the app cannot resume while data are held back."""

    is_paused = False

    def resume_reading(self) -> None:
        """Resume reading, if no data are held back."""
        if not self.is_paused:
            super().resume_reading()


class BoundedProtocol(HttpToolsProtocol):
    """Connection with limits of the stored data.

    Data are fed to the parser in pieces. `overhead_bytes` counts the bytes of a message apart from
    its body, since its beginning or since the last byte of its body. A piece in which a message
    begins or its body continues counts as a whole, so the count is never too small.
    """

    flow: _Flow

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        connections: Connections,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.all = connections
        self.limits = connections.limits
        # Start of waiting for the headers of a request, and for the rest of an answered one.
        self.head_since: float | None = None
        self.draining_since: float | None = None
        self.refused_at: float | None = None
        self.is_in_body = False
        self.body_bytes = 0
        self.overhead_bytes = 0
        self._piece = 0
        self._backlog = b""
        self._drain_end = 0
        self._refusal: ServiceError | None = None
        self._discarded = 0
        self._is_last = False

    @property
    def host(self) -> str | None:
        """Address of the client."""
        return self.client[0] if self.client else None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        """Start to read."""
        super().connection_made(transport)
        self.flow = _Flow(transport)

    def data_received(self, data: bytes) -> None:
        """Parse the data, or hold them back while requests wait to be answered."""
        if self.refused_at is not None:
            self._discard(data)
        elif self.pipeline or self._backlog:
            self._buffer(data)
        elif not self._is_last:
            self._feed(data)

    def on_message_begin(self) -> None:
        """Start to count."""
        super().on_message_begin()
        self.overhead_bytes = self._piece
        if self.head_since is None:
            self.head_since = self.loop.time()

    def on_headers_complete(self) -> None:
        """Start the request, if its headers are within the limits."""
        if len(self.headers) > MAX_HEADERS:
            raise self._parser_error(HeadersTooLarge(_TOO_LARGE))
        if len(self.pipeline) >= MAX_PIPELINED:
            raise self._parser_error(Overloaded("Too many requests wait on this connection."))
        super().on_headers_complete()
        self.headers = []  # a trailer must not be appended to the headers
        self.head_since = None
        self.is_in_body = True
        self.all.waiting.pop(self, None)

    def on_body(self, body: bytes) -> None:
        """Count the body."""
        self.overhead_bytes = self._piece
        self.body_bytes += len(body)
        if self.draining_since is not None and self.body_bytes > self._drain_end:
            self.transport.close()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait for the next request, if this one is already answered."""
        super().on_message_complete()
        self.overhead_bytes = 0
        self.is_in_body = False
        if self.cycle.response_complete:
            self._wait_for_next()

    def on_response_complete(self) -> None:
        """Continue with the data that were held back.

        Replaces uvicorn's method, which would read on while requests wait, and sets timers.
        """
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self.is_in_body:
            self.draining_since = self.loop.time()
            self._drain_end = self.body_bytes + self.limits.drain_bytes
        else:
            self._wait_for_next()
        if not self.pipeline and not self._is_last:
            self._resume()

    def _resume(self) -> None:
        held, self._backlog = self._backlog, b""
        self.flow.is_paused = False
        if held:
            self._feed(held)
        if not self.pipeline:
            self.flow.resume_reading()

    def refuse(self, refusal: ServiceError) -> None:
        """Answer with the problem, unless another answer is in progress, and close."""
        cycle = self.cycle
        if self.is_in_body and (cycle.response_started or self.pipeline):
            self.abort()
        elif self.is_in_body or cycle is None or cycle.response_complete:
            if self.is_in_body:
                cycle.disconnected = True
                cycle.message_event.set()
            self.write_problem(refusal)
        else:
            self._finish()

    def write_problem(self, refusal: ServiceError) -> None:
        """Answer with the problem; then only discard data until the client has read it."""
        request_id = new_id()
        self.refused_at = self.loop.time()
        self.all.waiting.pop(self, None)
        logger.info("refused", request_id=request_id, status=refusal.status, slug=refusal.slug)
        self.transport.write(
            problem_on_the_wire(refusal, request_id, self.server_state.default_headers)
        )
        # Closing while data arrive would reset the connection and lose the problem.
        self.transport.write_eof()
        self.flow.is_paused = False
        self.flow.resume_reading()

    def close_if_idle(self) -> bool:
        """Abort the connection and return True, unless an answer is still being sent."""
        if self.transport.get_write_buffer_size() > 0:
            return False
        self.abort()
        return True

    def abort(self) -> None:
        """Close the connection without flushing."""
        self.all.waiting.pop(self, None)
        self.transport.abort()

    def _wait_for_next(self) -> None:
        self.draining_since = None
        if self.head_since is None and not self._is_last:
            self.all.waiting[self] = self.loop.time()

    def _feed(self, data: bytes) -> None:
        try:
            self._feed_in_pieces(data)
        except httptools.HttpParserUpgrade:
            # Answered in HTTP/1.1. httptools does not parse a body then: it must not be a request.
            names = {name for name, _ in self.scope["headers"]}
            if names & {b"content-length", b"transfer-encoding"}:
                self._finish()
        except httptools.HttpParserError:
            self.refuse(self._refusal or MalformedRequest("Send HTTP/1.1."))

    def _feed_in_pieces(self, data: bytes) -> None:
        at, end = 0, len(data)
        if self.overhead_bytes + end <= PIECE_BYTES:  # the usual case
            self._piece = end
            self.overhead_bytes += end
            self.parser.feed_data(data)
            return
        while at < end:
            size = min(end - at, PIECE_BYTES, HEAD_BYTES - self.overhead_bytes)
            if size <= 0 or self._has_many_headers():
                raise self._parser_error(HeadersTooLarge(_TOO_LARGE))
            self._piece = size
            self.overhead_bytes += size
            self.parser.feed_data(data if size == end else memoryview(data)[at : at + size])
            at += size
            if self.pipeline and at < end:
                self._buffer(data[at:])
                return

    def _has_many_headers(self) -> bool:
        return self.overhead_bytes > PIECE_BYTES and len(self.headers or ()) > MAX_HEADERS

    def _parser_error(self, refusal: ServiceError) -> httptools.HttpParserError:
        # The parser replaces an exception of a callback by its own.
        self._refusal = refusal
        return httptools.HttpParserError(refusal.detail)

    def _buffer(self, data: bytes) -> None:
        self._backlog += data
        self._stop_reading()

    def _stop_reading(self) -> None:
        self.flow.is_paused = True
        self.flow.pause_reading()

    def _finish(self) -> None:
        """Answer the received requests, then close."""
        self._is_last = True
        self.cycle.keep_alive = False
        self._backlog = b""
        self._stop_reading()

    def _discard(self, data: bytes) -> None:
        self._discarded += len(data)
        if self._discarded > _DISCARDED_BYTES:
            self.abort()
