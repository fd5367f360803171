"""Rate limits: token buckets by name, as pure computation; the time is an argument."""

from dataclasses import dataclass

_ROUNDING = 1e-6


@dataclass(frozen=True)
class Standing:
    """The bucket of one name after a request.

    remaining: requests that would be allowed now. full_in, retry_in: seconds until all of them, and
    until the next one, are available again.
    """

    is_allowed: bool
    remaining: int
    full_in: float
    retry_in: float


class TokenBuckets:
    """A bucket of `size` tokens for each name, which fills up evenly within `seconds`.

    Of each name only the instant is kept at which its bucket will be full. Beyond `most_names` the
    name that was not seen for longest is forgotten, and so has a full bucket.
    """

    def __init__(self, size: int, seconds: float, most_names: int = 10_000) -> None:
        self.size = size
        self.seconds = seconds
        self._interval = seconds / size
        self._most_names = most_names
        self._full_at: dict[str, float] = {}

    def take(self, name: str, now: float) -> Standing:
        """Take a token of the name's, if there is one."""
        full_at = max(self._full_at.pop(name, now), now)
        missing = full_at + self._interval - now - self.seconds
        is_allowed = missing <= _ROUNDING
        if is_allowed:
            full_at += self._interval
        self._full_at[name] = full_at
        if len(self._full_at) > self._most_names:
            del self._full_at[next(iter(self._full_at))]
        remaining = int((self.seconds - (full_at - now)) / self._interval + _ROUNDING)
        return Standing(is_allowed, remaining, full_at - now, 0 if is_allowed else missing)
