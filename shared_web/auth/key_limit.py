"""Rate limit per caller, and the response headers that show the remaining requests."""

from math import ceil
from typing import Self

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared_web.auth.rate_limit import SharedBuckets, TokenBuckets
from shared_web.problems import TooManyRequests
from shared_web.settings import ServiceSettings
from shared_web.shared_cache import SharedCache

# Format of draft-ietf-httpapi-ratelimit-headers-10.
POLICY_HEADER = "RateLimit-Policy"
HEADER = "RateLimit"
_STATE = "rate_limit"


class KeyLimit:
    """Limit of the requests that a service accepts from each key or person.

    share: requests that a process accepts by itself, without a shared cache.
    """

    def __init__(self, requests: int, seconds: int, share: int, cache: SharedCache | None) -> None:
        own = TokenBuckets(share, seconds)
        self._buckets = SharedBuckets("key", requests, seconds, own, cache)
        if cache is None:
            requests = share
        self._policy = f'"default";q={requests};w={seconds}'

    @classmethod
    def of(cls, settings: ServiceSettings, cache: SharedCache | None) -> Self | None:
        """Return the limit of the settings, or None if callers are not limited."""
        if not settings.rate_limit_requests:
            return None
        share = ceil(settings.rate_limit_requests / settings.workers)
        return cls(settings.rate_limit_requests, settings.rate_limit_seconds, share, cache)

    async def count(self, scope: Scope, name: str) -> None:
        """Count a request of the caller, and store the remaining ones for the response headers.

        Raises:
            TooManyRequests: no request is left.

        """
        state = await self._buckets.take(name)
        left = f'"default";r={state.remaining};t={ceil(state.full_in)}'
        scope["state"][_STATE] = {POLICY_HEADER: self._policy, HEADER: left}
        if not state.is_allowed:
            detail = "This caller has no requests left for now. Send fewer, see RateLimit-Policy."
            raise TooManyRequests(detail, retry_after=state.retry_in)


class RateLimitHeaders:
    """Middleware that adds the headers of the rate limit to answers."""

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
