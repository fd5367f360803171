"""Token buckets for rate limits, as pure computation; the time is an argument."""

from dataclasses import dataclass

_ROUNDING = 1e-6


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
