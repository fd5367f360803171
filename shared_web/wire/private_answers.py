"""Headers of answers under `/api`, so that no cache or browser keeps or reinterprets them."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

PRIVATE_HEADERS = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
_PERSONAL_PATHS = "/api/"


class PrivateAnswers:
    """Middleware that forbids caches to store the answers under `/api`, refusals included.

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
                message["headers"] = [*message.get("headers", ()), *PRIVATE_HEADERS]
            await send(message)

        await self.app(scope, receive, send_private)
