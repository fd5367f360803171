"""Headers of answers under `/api`, so that no cache or browser keeps or reinterprets them."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_CACHE_CONTROL = b"cache-control"
_NO_STORE = (_CACHE_CONTROL, b"no-store")
_NO_SNIFFING = (b"x-content-type-options", b"nosniff")
PRIVATE_HEADERS = (_NO_STORE, _NO_SNIFFING)
_PERSONAL_PATHS = "/api/"


class PrivateAnswers:
    """Middleware that forbids caches to store the answers under `/api`, refusals included.

    An answer about a whole school that names no student has a `Cache-Control` of its own.

    Probes, `/docs` and `/openapi.json` hold no personal data and keep their own headers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or not scope["path"].startswith(_PERSONAL_PATHS):
            await self.app(scope, receive, send)
            return

        async def send_private(message: Message) -> None:
            if message["type"] == "http.response.start":
                sent = list(message.get("headers", ()))
                has_own = any(name == _CACHE_CONTROL for name, _ in sent)
                message["headers"] = [*sent, *(PRIVATE_HEADERS[has_own:])]
            await send(message)

        await self.app(scope, receive, send_private)
