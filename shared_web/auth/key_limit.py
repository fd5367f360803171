"""Rate limit per key: requests counted by the key's name, and headers that tell what is left."""

import time
from math import ceil
from typing import Self

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared_web.auth.rate_limit import TokenBuckets
from shared_web.problems import TooManyRequests
from shared_web.settings import ServiceSettings

# As draft-ietf-httpapi-ratelimit-headers-10 has them.
POLICY_HEADER = "RateLimit-Policy"
HEADER = "RateLimit"
EXPOSED = (HEADER, POLICY_HEADER)
_STATE = "rate_limit"


class KeyLimit:
    """What each key may ask of one process."""

    def __init__(self, requests: int, seconds: int) -> None:
        self._buckets = TokenBuckets(requests, seconds)
        self._policy = f'"default";q={requests};w={seconds}'

    @classmethod
    def of(cls, settings: ServiceSettings) -> Self | None:
        """Return the share of one process, None if keys are not limited."""
        if not settings.rate_limit_requests:
            return None
        share = ceil(settings.rate_limit_requests / settings.workers)
        return cls(share, settings.rate_limit_seconds)

    def count(self, scope: Scope, name: str) -> None:
        """Count a request of the key, and note for its answer what is left.

        Raises:
            TooManyRequests: nothing is left.

        """
        standing = self._buckets.take(name, time.monotonic())
        left = f'"default";r={standing.remaining};t={ceil(standing.full_in)}'
        scope["state"][_STATE] = {POLICY_HEADER: self._policy, HEADER: left}
        if not standing.is_allowed:
            detail = "This key has no requests left for now. Send fewer, see RateLimit-Policy."
            raise TooManyRequests(detail, retry_after=standing.retry_in)


class RateLimitHeaders:
    """Middleware that adds to an answer what is left to the key."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""

        async def send_with_limit(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(scope["state"].get(_STATE, {}))
            await send(message)

        is_http = scope["type"] == "http"
        await self.app(scope, receive, send_with_limit if is_http else send)
