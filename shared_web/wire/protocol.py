"""Protocol of the servers: limits of size, time and number of connections."""

import asyncio
from typing import Any

from shared_db.errors import Overloaded
from shared_web.problems import RequestTooSlow
from shared_web.wire.bounded import BoundedProtocol
from shared_web.wire.pace import Pace


class LimitedProtocol(BoundedProtocol):
    """Connection that is closed if it exceeds a limit of time."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        rate = self.limits.bytes_per_second
        self._receiving = Pace(self.limits.body_seconds, rate)
        self._sending = Pace(self.limits.answer_seconds, rate)
        self._read_seconds = 0.0
        self._paced: object = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        """Start to wait for a request, if the number of connections allows it."""
        super().connection_made(transport)
        now = self.loop.time()
        if self.all.admit(self, now):
            self.head_since = self.all.waiting[self] = now

    def connection_lost(self, exc: Exception | None) -> None:
        """Remove this connection from the counted ones."""
        self.all.remove(self)
        super().connection_lost(exc)

    def reject(self) -> None:
        """Answer that there are too many connections."""
        self.write_problem(Overloaded("There are too many connections. Try again."))

    def check(self, now: float, elapsed: float) -> None:
        """Close the connection if it exceeds a limit of time; `elapsed` since the last check."""
        if self.refused_at is not None:
            if now - self.refused_at > self.limits.linger_seconds:
                self.abort()
        elif self._is_not_read(now):
            self.abort()
        elif not self.transport.is_closing():
            self._check_request(now, elapsed)

    def _is_not_read(self, now: float) -> bool:
        unread = self.transport.get_write_buffer_size()
        if unread == 0:
            self._sending.restart(now, 0)
            return False
        return self._sending.is_too_slow(now, -unread)

    def _check_request(self, now: float, elapsed: float) -> None:
        if self.head_since is not None:
            self._check_head(now, self.head_since)
        elif self.draining_since is not None:
            if now - self.draining_since > self.limits.drain_seconds:
                self.transport.close()
        elif self.is_in_body:
            self._check_body(elapsed)
        elif now - self.all.waiting.get(self, now) > self.limits.keep_alive_seconds:
            self.transport.close()

    def _check_head(self, now: float, since: float) -> None:
        if self.flow.read_paused:
            self.head_since = now
        elif now - since > self.limits.header_seconds:
            if self.overhead_bytes == 0:
                self.transport.close()  # no byte has come, so there is nothing to answer
            else:
                seconds = f"{self.limits.header_seconds:g}"
                self.refuse(RequestTooSlow(f"The headers did not come within {seconds} seconds."))

    def _check_body(self, elapsed: float) -> None:
        if self._paced is not self.cycle:
            self._paced = self.cycle
            self._receiving.restart(self._read_seconds, self.body_bytes)
        elif not (self.flow.read_paused or self.cycle.waiting_for_100_continue):
            self._read_seconds += elapsed
            if self._receiving.is_too_slow(self._read_seconds, self.body_bytes):
                rate = self.limits.bytes_per_second
                self.refuse(RequestTooSlow(f"Send the body with {rate} bytes a second or more."))
