"""Redis or Valkey between the processes of a service: kept answers and counters, if it is there.

It is never needed: without it, or while it is away, each process works for itself.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from hashlib import blake2b
from importlib.metadata import version
from typing import TYPE_CHECKING, Self, TypeVar

import structlog

from shared_db.errors import ConfigurationError
from shared_web.settings import ServiceSettings

if TYPE_CHECKING:
    from redis.asyncio import Redis

logger = structlog.stdlib.get_logger("veritas.cache")

T = TypeVar("T")

# Time that a request waits for it.
_TIMEOUT_SECONDS = 0.05
# Time without an attempt after a failure; then one request tries.
_PAUSE_SECONDS = 2.0
_CONNECTIONS = 16
_DIGEST_BYTES = 16


class SharedCache:
    """Client of one app with a small circuit breaker.

    Names in it are keyed hashes under a prefix of the release, the database and the service, so
    they show no key, address or parameter.
    """

    def __init__(
        self, url: str, service: str, settings: ServiceSettings, now: Callable[[], float]
    ) -> None:
        self._url = url
        self._now = now
        self._client: tuple[asyncio.AbstractEventLoop, Redis] | None = None
        self._is_away = False
        self._next_attempt_at = 0.0
        self._secret = settings.key_pepper.get_secret_value().encode()
        database = settings.database_url
        school = self._digest(database.get_secret_value() if database else "")
        self._prefix = f"veritas:{version('veritas')}:{school}:{service}"

    @classmethod
    def of(cls, settings: ServiceSettings, service: str) -> Self | None:
        """Return the client; None without CACHE_URL, and for rows in memory, which no other has.

        Raises:
            ConfigurationError: the library is not installed.

        """
        if settings.cache_url is None or settings.database_url is None:
            return None
        try:
            import redis.asyncio  # noqa: F401, PLC0415 - an extra
        except ImportError as absence:
            raise ConfigurationError(
                "CACHE_URL needs the library redis: install `veritas[cache]`, or unset it."
            ) from absence
        return cls(settings.cache_url.get_secret_value(), service, settings, time.monotonic)

    def name(self, kind: str, content: str) -> str:
        """Return the name of a value."""
        return f"{self._prefix}:{kind}:{self._digest(content)}"

    async def run(self, work: "Callable[[Redis], Awaitable[T]]") -> T | None:
        """Return the result of the work, or None while Redis is away.

        A request waits at most 50 ms, and only one request does so in two seconds of an outage.
        """
        from redis import RedisError  # noqa: PLC0415 - an extra

        if self._is_away:
            if self._now() < self._next_attempt_at:
                return None
            self._next_attempt_at = self._now() + _PAUSE_SECONDS
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                result = await work(self._connected())
        except (RedisError, OSError) as failure:  # TimeoutError is an OSError
            self._note_failure(failure)
            return None
        if self._is_away:
            self._is_away = False
            logger.info("the cache is back")
        return result

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client[1].aclose()
            self._client = None

    def _connected(self) -> "Redis":
        from redis.asyncio import BlockingConnectionPool, Redis  # noqa: PLC0415 - an extra
        from redis.asyncio.retry import Retry  # noqa: PLC0415
        from redis.backoff import NoBackoff  # noqa: PLC0415

        loop = asyncio.get_running_loop()
        if self._client is None or self._client[0] is not loop:
            pool = BlockingConnectionPool.from_url(
                self._url,
                max_connections=_CONNECTIONS,
                timeout=_TIMEOUT_SECONDS,
                socket_timeout=_TIMEOUT_SECONDS,
                socket_connect_timeout=_TIMEOUT_SECONDS,
                retry=Retry(NoBackoff(), 0),
            )
            self._client = loop, Redis.from_pool(pool)
        return self._client[1]

    def _note_failure(self, failure: Exception) -> None:
        self._next_attempt_at = self._now() + _PAUSE_SECONDS
        if not self._is_away:
            self._is_away = True
            # Not its text, which may contain the URL.
            logger.warning(
                "the cache is away, each process works for itself", error=type(failure).__name__
            )

    def _digest(self, content: str) -> str:
        key = blake2b(self._secret).digest()
        return blake2b(content.encode(), key=key, digest_size=_DIGEST_BYTES).hexdigest()


@asynccontextmanager
async def closing(cache: SharedCache | None) -> AsyncIterator[None]:
    """Close the connections of the cache, if there is one, at the end of the block."""
    try:
        yield
    finally:
        if cache is not None:
            await cache.close()
