"""Connections of one server: how many there may be, of one client and in all."""

import asyncio
import ipaddress
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Protocol

import structlog

from shared_db.resilience import descriptors
from shared_web.operations.logging import describe_failure

logger = structlog.stdlib.get_logger("veritas.connections")

# Younger than this, a connection that waits may have its request under way.
_YOUNG_SECONDS = 1
# Connections over the limit that are still told so; further ones are cut.
_MOST_TOLD = 64
_CALM_SECONDS = 10
_SWEEP_SECONDS = 1
_IPV6_CLIENT_BITS = 64


@dataclass(frozen=True)
class Limits:
    """Limits of a server. Times are in seconds.

    header_seconds: from the connection's opening, or the first byte, to the end of the headers.
    bytes_per_second: of a body, averaged over `body_seconds`, and of an answer that the client
    reads, over `answer_seconds`; 0: any rate.
    drain_seconds, drain_bytes: for the rest of a body whose request was answered already.
    linger_seconds: how long a client has to read a refusal before the connection is cut.
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


class Waiting(Protocol):
    """A connection that may have to go."""

    @property
    def host(self) -> str | None:
        """The address of the other side."""

    def give_way(self) -> bool:
        """End the connection, unless an answer is still being sent; tell whether it is ended."""

    def cut(self) -> None:
        """End the connection at once."""


class Connection(Waiting, Protocol):
    """A connection that is counted."""

    def check(self, now: float, elapsed: float) -> None:
        """End the connection if it keeps to no limit; `elapsed` since the last check."""

    def turn_away(self) -> None:
        """Answer that there are too many connections."""


@dataclass
class Connections:
    """The open connections of one server.

    It is made before the server's process is, which gets a copy: it holds nothing of a process
    until the first connection. waiting: those that wait for a request, or for the rest of its
    headers, with the time since when; the longest waiting is first.
    """

    limits: Limits
    open: set[Connection] = field(default_factory=set)
    waiting: dict[Waiting, float] = field(default_factory=dict)
    _of_client: Counter[str] = field(default_factory=Counter)
    _checked_at: float = 0
    _closed: int = 0
    _turned_away: int = 0
    _full_until: float | None = None

    @cached_property
    def most(self) -> int:
        """How many there may be, such that this process has descriptors for everything else."""
        return min(self.limits.connections, descriptors.room_for_connections())

    def admit(self, connection: Connection, now: float) -> bool:
        """Count a new connection; if it is one too many, a waiting one goes, or else this one."""
        if not self._checked_at:
            self._checked_at = now
            self._sweep(asyncio.get_running_loop())
        client = self._client(connection)
        is_full = len(self.open) >= self.most
        is_crowded = (
            self._of_client[client] >= self.limits.connections_per_client if client else False
        )
        self.open.add(connection)
        if client:
            self._of_client[client] += 1
        if not (is_full or is_crowded) or self._make_room(client if is_crowded else None, now):
            return True
        self._turned_away += 1
        if len(self.open) > self.most + _MOST_TOLD:
            connection.cut()
        else:
            connection.turn_away()
        return False

    def forget(self, connection: Connection) -> None:
        """Count a connection no more: it is closed."""
        self.open.discard(connection)
        self.waiting.pop(connection, None)
        if client := self._client(connection):
            self._of_client[client] -= 1
            if self._of_client[client] <= 0:
                del self._of_client[client]

    def _make_room(self, client: str | None, now: float) -> bool:
        """Cut the connection that waits longest, of this client or of all; false if none waits."""
        for connection, since in self.waiting.items():
            if now - since < _YOUNG_SECONDS:
                return False
            is_asked = client is None or self._client(connection) == client
            if is_asked and connection.give_way():
                self._closed += 1
                return True
        return False

    def _client(self, connection: Waiting) -> str | None:
        return _counted_as(connection.host, self.limits.trusted_proxies)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        """Check every connection, and again a second later: cheaper than a timer for each."""
        loop.call_later(_SWEEP_SECONDS, self._sweep, loop)
        now = loop.time()
        elapsed, self._checked_at = now - self._checked_at, now
        for connection in tuple(self.open):
            try:
                connection.check(now, elapsed)
            except Exception as failure:  # noqa: BLE001 - the server must go on
                logger.error("a connection was not checked", **describe_failure(failure))  # noqa: TRY400 - its text may be personal
                connection.cut()
        self._report(now)
        descriptors.are_left()

    def _report(self, now: float) -> None:
        if self._closed or self._turned_away:
            if self._full_until is None:
                logger.warning(
                    "connections are at their limit",
                    open=len(self.open),
                    limit=self.most,
                    limit_per_client=self.limits.connections_per_client,
                    closed=self._closed,
                    turned_away=self._turned_away,
                )
            self._full_until = now + _CALM_SECONDS
            self._closed = self._turned_away = 0
        elif self._full_until is not None and now > self._full_until:
            self._full_until = None
            logger.info("connections are below their limit again", open=len(self.open))


@lru_cache(maxsize=4096)
def _counted_as(host: str | None, trusted_proxies: tuple[str, ...]) -> str | None:
    """Return the client that the address is; None for one that may stand for many clients.

    That is this machine, where a proxy may run, and a trusted proxy. Who has an IPv6 address has
    the rest of its network too.
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
