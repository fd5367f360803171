"""Answers to failures: a page with the cause and the next step, or a problem under `/api`."""

from http import HTTPStatus
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from shared_web.problems import problem_response
from veritas_web.errors import OwnPageOnly, PageError, SignInNeeded
from veritas_web.pages import page
from veritas_web.routes.places import OWN_START, START

_RETRY_SECONDS = "2"


def failure_response(request: Request, failure: Exception) -> Response:
    """Return the answer to a failure; a page that needs a sign-in leads to it."""
    status, slug, detail = _described(failure)
    headers = {"Retry-After": _RETRY_SECONDS} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    if request.url.path.startswith("/api/"):
        phrase = HTTPStatus(status).phrase
        return problem_response(
            request,
            status=status,
            slug=slug,
            title=phrase,
            detail=detail or phrase,
            headers=headers,
        )
    if isinstance(failure, SignInNeeded) and request.method == "GET":
        return RedirectResponse(f"/sign-in?next={quote(_place(request))}", 303)
    is_start = request.method == "GET" and request.url.path == START
    if isinstance(failure, OwnPageOnly) and is_start:
        return RedirectResponse(OWN_START, 303)
    answer = page(
        request, "failed.html", {"status": status, "slug": slug, "detail": detail}, status
    )
    answer.headers.update(headers or {})
    return answer


def _described(failure: Exception) -> tuple[int, str, str | None]:
    """Return status, slug and detail."""
    match failure:
        case PageError():
            return failure.status, failure.slug, failure.detail
        case RequestValidationError():
            return HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request", None
        case HTTPException():
            phrase = HTTPStatus(failure.status_code).phrase
            return failure.status_code, phrase.lower().replace(" ", "-"), None
    return PageError.status, PageError.slug, None


def _place(request: Request) -> str:
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path
