"""CORS with refusals of preflight requests as problems."""

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from shared_db.errors import ServiceError
from shared_web.auth.key_limit import HEADER, POLICY_HEADER
from shared_web.deprecation import DEPRECATION, LINK, SUNSET
from shared_web.problems import refusal_response
from shared_web.requests.idempotency import REPLAY_HEADER

# Headers of answers that scripts of other origins may read, beside those that any page may read.
EXPOSED_HEADERS = (
    "Allow",
    "ETag",
    "Location",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-ID",
    HEADER,
    POLICY_HEADER,
    REPLAY_HEADER,
    DEPRECATION,
    SUNSET,
    LINK,
)


class PreflightRefused(ServiceError):
    """The origin of the page, or a header that it wants to send, is not allowed."""

    slug = "preflight-refused"
    status = 400
    title = "The page may not send this request"


class ProblemCORS(CORSMiddleware):
    """CORS middleware whose refusals are problems instead of text."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight request, or pass a request on."""
        if scope["type"] != "http" or not _is_preflight(scope):
            await super().__call__(scope, receive, send)
            return
        answer = self.preflight_response(Headers(scope=scope))
        if answer.status_code >= PreflightRefused.status:
            reasons = bytes(answer.body).decode().removeprefix("Disallowed CORS ")
            detail = (
                f"Not allowed: {reasons}. CORS_ORIGINS names the pages that may send requests, "
                f"with the headers {self.preflight_headers['Access-Control-Allow-Headers']}."
            )
            names = {"content-length", "content-type"}
            headers = {name: value for name, value in answer.headers.items() if name not in names}
            answer = refusal_response(Request(scope), PreflightRefused(detail))
            answer.headers.update(headers)
        await answer(scope, receive, send)


def _is_preflight(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    is_asking = "access-control-request-method" in headers
    return scope["method"] == "OPTIONS" and "origin" in headers and is_asking
