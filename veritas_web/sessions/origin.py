"""Check of each request: changes come from our own pages, and a developer's pages from here."""

from urllib.parse import urlsplit

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from shared_web.auth.origins import is_local_caller
from veritas_web.errors import ForeignPage, PageError
from veritas_web.failures import failure_response
from veritas_web.settings import Settings

_SAFE = {"GET", "HEAD", "OPTIONS"}
API = "/api/"


class RequestCheck:
    """Middleware that refuses changes sent by pages of other sites (CSRF).

    A request under `/api` with a key or token needs no check: no foreign page can add one.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "http":
            request = Request(scope)
            refusal = self._refusal(request)
            if refusal is not None:
                await failure_response(request, refusal)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _refusal(self, request: Request) -> PageError | None:
        if self._settings.is_open and not is_local_caller(request, self._settings):
            return ForeignPage(
                "Without WEB_KEY these pages are for this machine alone, as http://localhost."
            )
        if request.method in _SAFE or _is_of_system(request):
            return None
        if _origin(request) == _own_origin(request, self._settings):
            return None
        return ForeignPage(
            "A change must come from a page of this address: the browser's Origin or Referer says "
            "otherwise, or is absent. Set WEB_URL to the address in the browser."
        )


def bearer_of(request: Request) -> str | None:
    """Return the key or token that a request sends, if any."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    return bearer.strip() or None if scheme.lower() == "bearer" else None


def _is_of_system(request: Request) -> bool:
    return request.url.path.startswith(API) and bearer_of(request) is not None


def _origin(request: Request) -> tuple[str, str] | None:
    sent = request.headers.get("origin") or request.headers.get("referer") or ""
    try:
        parts = urlsplit(sent)
    except ValueError:
        return None
    return (parts.scheme, parts.netloc.lower()) if parts.netloc else None


def _own_origin(request: Request, settings: Settings) -> tuple[str, str]:
    if settings.web_url:
        parts = urlsplit(settings.web_url)
        return parts.scheme, parts.netloc
    return request.url.scheme, request.headers.get("host", "").lower()
