"""HTTP on the wire: uvicorn's protocol on httptools, with bounds of what is stored.

httptools stores headers without limit, and uvicorn requests that were sent before others were
answered. This rests on methods of `HttpToolsProtocol` that are not documented; a test names what to
look at when they change.
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

# The request line and headers in all; so long may also be what frames a chunk, and the trailer.
HEAD_BYTES = 64 * 1024
MAX_HEADERS = 200
# How much is parsed before it is looked at again.
PIECE_BYTES = 8 * 1024
# Requests that one connection may send before the first of them is answered.
MAX_PIPELINED = 16
# Read and thrown away after a refusal, so that the client gets to read it.
_DISCARDED_BYTES = 4 * 1024 * 1024

_TOO_LARGE = (
    f"The request line and headers may have {HEAD_BYTES} bytes and {MAX_HEADERS} headers in all. "
    "Send less, for instance what is long in the body."
)


class _Flow(FlowControl):
    """Flow of one connection, which the app cannot resume while something is held back."""

    is_held = False

    def resume_reading(self) -> None:
        """Read on, if nothing is held back."""
        if not self.is_held:
            super().resume_reading()


class BoundedProtocol(HttpToolsProtocol):
    """One connection that stores no more than it may.

    Data are fed to the parser in pieces. What is stored of a message beside its body is counted:
    from its beginning, or from the last byte of its body. A piece in which a message begins, or
    its body goes on, counts as a whole, so that never more is stored than may be.
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
        # Since when the headers of a request are waited for, and the rest of one that is answered.
        self.head_since: float | None = None
        self.drained_since: float | None = None
        self.refused_at: float | None = None
        self.is_in_body = False
        self.body_bytes = 0
        self.beside_body = 0
        self._piece = 0
        self._held = b""
        self._drain_end = 0
        self._refusal: ServiceError | None = None
        self._discarded = 0
        self._is_last = False

    @property
    def host(self) -> str | None:
        """The address of the other side."""
        return self.client[0] if self.client else None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        """Begin to read."""
        super().connection_made(transport)
        self.flow = _Flow(transport)

    def data_received(self, data: bytes) -> None:
        """Parse what has come, unless requests wait to be answered first."""
        if self.refused_at is not None:
            self._discard(data)
        elif self.pipeline or self._held:
            self._hold(data)
        elif not self._is_last:
            self._feed(data)

    def on_message_begin(self) -> None:
        """Begin to count."""
        super().on_message_begin()
        self.beside_body = self._piece
        if self.head_since is None:
            self.head_since = self.loop.time()

    def on_headers_complete(self) -> None:
        """Let the request be answered, if its headers are within the bounds."""
        if len(self.headers) > MAX_HEADERS:
            raise self._refusing(HeadersTooLarge(_TOO_LARGE))
        if len(self.pipeline) >= MAX_PIPELINED:
            raise self._refusing(Overloaded("Too many requests wait on this connection."))
        super().on_headers_complete()
        self.headers = []  # a trailer must not become a header
        self.head_since = None
        self.is_in_body = True
        self.all.waiting.pop(self, None)

    def on_body(self, body: bytes) -> None:
        """Count the body."""
        self.beside_body = self._piece
        self.body_bytes += len(body)
        if self.drained_since is not None and self.body_bytes > self._drain_end:
            self.transport.close()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait for the next request, if this one was answered before."""
        super().on_message_complete()
        self.beside_body = 0
        self.is_in_body = False
        if self.cycle.response_complete:
            self._wait_for_next()

    def on_response_complete(self) -> None:
        """Go on with what was held back meanwhile.

        In place of uvicorn's, which would read on while requests wait, and sets a timer each time.
        """
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self.is_in_body:
            self.drained_since = self.loop.time()
            self._drain_end = self.body_bytes + self.limits.drain_bytes
        else:
            self._wait_for_next()
        if not self.pipeline and not self._is_last:
            self._go_on()

    def _go_on(self) -> None:
        held, self._held = self._held, b""
        self.flow.is_held = False
        if held:
            self._feed(held)
        if not self.pipeline:
            self.flow.resume_reading()

    def refuse(self, refusal: ServiceError) -> None:
        """Answer with the problem, where nothing else is being answered, and close."""
        cycle = self.cycle
        if self.is_in_body and (cycle.response_started or self.pipeline):
            self.cut()
        elif self.is_in_body or cycle is None or cycle.response_complete:
            if self.is_in_body:
                cycle.disconnected = True
                cycle.message_event.set()
            self.write_problem(refusal)
        else:
            self._finish()

    def write_problem(self, refusal: ServiceError) -> None:
        """Answer with the problem, and read only so that the client does, too."""
        request_id = new_id()
        self.refused_at = self.loop.time()
        self.all.waiting.pop(self, None)
        logger.info("refused", request_id=request_id, status=refusal.status, slug=refusal.slug)
        self.transport.write(
            problem_on_the_wire(refusal, request_id, self.server_state.default_headers)
        )
        # Closed while something comes in, it would be reset and the problem be lost.
        self.transport.write_eof()
        self.flow.is_held = False
        self.flow.resume_reading()

    def give_way(self) -> bool:
        """End the connection, unless an answer is still being sent; tell whether it is ended."""
        if self.transport.get_write_buffer_size() > 0:
            return False
        self.cut()
        return True

    def cut(self) -> None:
        """End the connection at once."""
        self.all.waiting.pop(self, None)
        self.transport.abort()

    def _wait_for_next(self) -> None:
        self.drained_since = None
        if self.head_since is None and not self._is_last:
            self.all.waiting[self] = self.loop.time()

    def _feed(self, data: bytes) -> None:
        try:
            self._feed_in_pieces(data)
        except httptools.HttpParserUpgrade:
            # Answered in HTTP/1.1. httptools leaves a body out then: it must not become a request.
            names = {name for name, _ in self.scope["headers"]}
            if names & {b"content-length", b"transfer-encoding"}:
                self._finish()
        except httptools.HttpParserError:
            self.refuse(self._refusal or MalformedRequest("Send HTTP/1.1."))

    def _feed_in_pieces(self, data: bytes) -> None:
        at, end = 0, len(data)
        if self.beside_body + end <= PIECE_BYTES:  # as nearly every request
            self._piece = end
            self.beside_body += end
            self.parser.feed_data(data)
            return
        while at < end:
            size = min(end - at, PIECE_BYTES, HEAD_BYTES - self.beside_body)
            if size <= 0 or self._has_many_headers():
                raise self._refusing(HeadersTooLarge(_TOO_LARGE))
            self._piece = size
            self.beside_body += size
            self.parser.feed_data(data if size == end else memoryview(data)[at : at + size])
            at += size
            if self.pipeline and at < end:
                self._hold(data[at:])
                return

    def _has_many_headers(self) -> bool:
        return self.beside_body > PIECE_BYTES and len(self.headers or ()) > MAX_HEADERS

    def _refusing(self, refusal: ServiceError) -> httptools.HttpParserError:
        # The parser raises an error of its own kind for what a callback raised.
        self._refusal = refusal
        return httptools.HttpParserError(refusal.detail)

    def _hold(self, data: bytes) -> None:
        self._held += data
        self._stop_reading()

    def _stop_reading(self) -> None:
        self.flow.is_held = True
        self.flow.pause_reading()

    def _finish(self) -> None:
        """Answer the requests that have come, and close then."""
        self._is_last = True
        self.cycle.keep_alive = False
        self._held = b""
        self._stop_reading()

    def _discard(self, data: bytes) -> None:
        self._discarded += len(data)
        if self._discarded > _DISCARDED_BYTES:
            self.cut()
