"""Token buckets for rate limits: of one process, and of all processes together in Redis."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared_web.shared_cache import SharedCache

if TYPE_CHECKING:
    from redis.asyncio import Redis

_ROUNDING = 1e-6
# As `TokenBuckets.take`, in microseconds of the clock of Redis. A bucket expires when it is full.
_TAKE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local interval, seconds = tonumber(ARGV[1]), tonumber(ARGV[2])
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local missing = full_at + interval - now - seconds
if missing <= 1 then full_at = full_at + interval end
if full_at > now then
  local text = string.format('%.0f', full_at)
  redis.call('SET', KEYS[1], text, 'PX', math.ceil((full_at - now) / 1000))
end
return {math.ceil(full_at - now), math.ceil(missing)}
"""
_MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class BucketState:
    """State of one bucket after a request.

    remaining: requests allowed now. full_in, retry_in: seconds until all requests, and until the
    next one, are available again.
    """

    is_allowed: bool
    remaining: int
    full_in: float
    retry_in: float


class TokenBuckets:
    """One bucket of `size` tokens per name, refilled evenly in `seconds`.

    Only the instant at which a bucket will be full is stored. Beyond `max_names` the least recently
    used name is dropped, which gives it a full bucket.
    """

    def __init__(self, size: int, seconds: float, max_names: int = 10_000) -> None:
        self.size = size
        self.seconds = seconds
        self._interval = seconds / size
        self._max_names = max_names
        self._full_at: dict[str, float] = {}

    def take(self, name: str, now: float) -> BucketState:
        """Take a token from the bucket of the name, if one is left."""
        full_at = max(self._full_at.pop(name, now), now)
        missing = full_at + self._interval - now - self.seconds
        is_allowed = missing <= _ROUNDING
        if is_allowed:
            full_at += self._interval
        self._full_at[name] = full_at
        if len(self._full_at) > self._max_names:
            del self._full_at[next(iter(self._full_at))]
        remaining = int((self.seconds - (full_at - now)) / self._interval + _ROUNDING)
        return BucketState(is_allowed, remaining, full_at - now, 0 if is_allowed else missing)


class SharedBuckets:
    """Buckets of one kind, each with `size` tokens in `seconds` for all processes together.

    own: buckets of this process, without Redis.
    """

    def __init__(
        self, kind: str, size: int, seconds: float, own: TokenBuckets, cache: SharedCache | None
    ) -> None:
        self._kind = kind
        self._interval = seconds / size
        self._seconds = seconds
        self._own = own
        self._cache = cache

    async def take(self, name: str) -> BucketState:
        """Take a token from the bucket of the name, if one is left."""
        if self._cache is not None:
            key = self._cache.name(self._kind, name)

            async def take(redis: "Redis") -> Any:
                limits = [round(part * _MICROSECONDS) for part in (self._interval, self._seconds)]
                return await redis.eval(_TAKE, 1, key, *limits)

            found = await self._cache.run(take)
            if found is not None:
                return self._state(*found)
        return self._own.take(name, time.monotonic())

    def _state(self, full_in: int, missing: int) -> BucketState:
        is_allowed = missing <= 1
        left = self._seconds - full_in / _MICROSECONDS
        remaining = max(int(left / self._interval + _ROUNDING), 0)
        retry_in = 0 if is_allowed else missing / _MICROSECONDS
        return BucketState(is_allowed, remaining, full_in / _MICROSECONDS, retry_in)
