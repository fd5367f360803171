"""Limits of the number of connections of one server, per client and in total."""

import asyncio
import ipaddress
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Protocol

import structlog

from shared_db.resilience import descriptors
from shared_web.failures import describe_failure

logger = structlog.stdlib.get_logger("veritas.connections")

# The request of a connection that waits for a shorter time may be in flight.
_MIN_IDLE_SECONDS = 1
# Connections over the limit that get an answer; further ones are aborted.
_MAX_REJECTING = 64
_CALM_SECONDS = 10
_SWEEP_SECONDS = 1
_IPV6_CLIENT_BITS = 64


@dataclass(frozen=True)
class Limits:
    """Limits of a server. Times are in seconds.

    header_seconds: from the opening of the connection, or the first byte, to the last header.
    bytes_per_second: minimum rate of a body, averaged over `body_seconds`, and of an answer, over
    `answer_seconds`; 0: no minimum.
    drain_seconds, drain_bytes: for the rest of the body of an answered request.
    linger_seconds: time for the client to read a refusal before the connection is aborted.
    """

    connections: int = 1000
    connections_per_client: int = 100
    trusted_proxies: tuple[str, ...] = ()
    header_seconds: float = 10
    keep_alive_seconds: float = 75
    bytes_per_second: int = 1024
    body_seconds: float = 10
    answer_seconds: float = 30
    drain_seconds: float = 5
    drain_bytes: int = 64 * 1024 * 1024
    linger_seconds: float = 2


class WaitingConnection(Protocol):
    """Connection that may be closed for a new one."""

    @property
    def host(self) -> str | None:
        """Address of the client."""

    def close_if_idle(self) -> bool:
        """Abort the connection and return True, unless an answer is still being sent."""

    def abort(self) -> None:
        """Close the connection without flushing."""


class Connection(WaitingConnection, Protocol):
    """Connection that is counted."""

    def check(self, now: float, elapsed: float) -> None:
        """Close the connection if it exceeds a limit; `elapsed` since the last check."""

    def reject(self) -> None:
        """Answer that there are too many connections."""


@dataclass
class Connections:
    """Open connections of one server.

    Created before the server's processes, which get copies: it has no state of a process until the
    first connection. waiting: connections that wait for a request or the rest of its headers, with
    the start of the wait; the longest wait is first.
    """

    limits: Limits
    open: set[Connection] = field(default_factory=set)
    waiting: dict[WaitingConnection, float] = field(default_factory=dict)
    _count_by_client: Counter[str] = field(default_factory=Counter)
    _checked_at: float = 0
    _closed: int = 0
    _rejected: int = 0
    _at_limit_until: float | None = None

    @cached_property
    def max_open(self) -> int:
        """Limit in total, which leaves file descriptors for everything else."""
        return min(self.limits.connections, descriptors.room_for_connections())

    def admit(self, connection: Connection, now: float) -> bool:
        """Count a new connection; over a limit, close a waiting one or else reject this one."""
        if not self._checked_at:
            self._checked_at = now
            self._sweep(asyncio.get_running_loop())
        client = self._client(connection)
        is_full = len(self.open) >= self.max_open
        is_crowded = (
            self._count_by_client[client] >= self.limits.connections_per_client if client else False
        )
        self.open.add(connection)
        if client:
            self._count_by_client[client] += 1
        if not (is_full or is_crowded) or self._evict(client if is_crowded else None, now):
            return True
        self._rejected += 1
        if len(self.open) > self.max_open + _MAX_REJECTING:
            connection.abort()
        else:
            connection.reject()
        return False

    def remove(self, connection: Connection) -> None:
        """Remove a closed connection."""
        self.open.discard(connection)
        self.waiting.pop(connection, None)
        if client := self._client(connection):
            self._count_by_client[client] -= 1
            if self._count_by_client[client] <= 0:
                del self._count_by_client[client]

    def _evict(self, client: str | None, now: float) -> bool:
        """Close the longest waiting connection, of this client or of all; False if none waits."""
        for connection, since in self.waiting.items():
            if now - since < _MIN_IDLE_SECONDS:
                return False
            is_asked = client is None or self._client(connection) == client
            if is_asked and connection.close_if_idle():
                self._closed += 1
                return True
        return False

    def _client(self, connection: WaitingConnection) -> str | None:
        return _client_key(connection.host, self.limits.trusted_proxies)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        """Check every connection each second, which is cheaper than a timer for each."""
        loop.call_later(_SWEEP_SECONDS, self._sweep, loop)
        now = loop.time()
        elapsed, self._checked_at = now - self._checked_at, now
        for connection in tuple(self.open):
            try:
                connection.check(now, elapsed)
            except Exception as failure:  # noqa: BLE001 - the server must continue
                logger.error("a connection was not checked", **describe_failure(failure))  # noqa: TRY400 - its text may be personal
                connection.abort()
        self._report(now)
        descriptors.are_left()

    def _report(self, now: float) -> None:
        if self._closed or self._rejected:
            if self._at_limit_until is None:
                logger.warning(
                    "connections are at their limit",
                    open=len(self.open),
                    limit=self.max_open,
                    limit_per_client=self.limits.connections_per_client,
                    closed=self._closed,
                    turned_away=self._rejected,
                )
            self._at_limit_until = now + _CALM_SECONDS
            self._closed = self._rejected = 0
        elif self._at_limit_until is not None and now > self._at_limit_until:
            self._at_limit_until = None
            logger.info("connections are below their limit again", open=len(self.open))


@lru_cache(maxsize=4096)
def _client_key(host: str | None, trusted_proxies: tuple[str, ...]) -> str | None:
    """Return the client of the address, or None if it may belong to many clients.

    Many clients may use this machine, because of a local proxy, and a trusted proxy. An IPv6 client
    owns a whole network of addresses.
    """
    try:
        address = ipaddress.ip_address(host or "")
    except ValueError:
        return host  # a Unix socket has none
    if address.is_loopback or any(address in ipaddress.ip_network(p) for p in trusted_proxies):
        return None
    if address.version == 4:  # noqa: PLR2004 - IPv4
        return str(address)
    return str(ipaddress.ip_network((address, _IPV6_CLIENT_BITS), strict=False))
