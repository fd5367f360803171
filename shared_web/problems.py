"""Every refusal as `application/problem+json` (RFC 9457), and how it is documented."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from math import ceil
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.routing import Match

from shared_db.errors import DatabaseBusy, DatabaseUnavailable, Overloaded, ServiceError
from shared_db.resilience import descriptors

MEDIA_TYPE = "application/problem+json"
_URN = "urn:veritas:problem:"
MOST_ERRORS = 20
_LONGEST_NAME = 100
# Pydantic tells these by our classes' names, which a client does not know.
_OBJECT_WANTED = {"model_type", "model_attributes_type", "dataclass_type", "dict_type"}
_NO_OBJECT = "Input should be a JSON object"


class FieldError(BaseModel):
    """One thing that is wrong with a request."""

    location: str
    field: str
    message: str


class Problem(BaseModel):
    """A refusal: `type` and `title` are the same for all of a kind, `detail` tells this one."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    request_id: str | None = None
    errors: list[FieldError] | None = None


class Unauthenticated(ServiceError):
    """No key, or one that is not known."""

    slug = "unauthenticated"
    status = 401
    title = "A valid API key is needed"


class Forbidden(ServiceError):
    """The key is known but lacks the scope."""

    slug = "forbidden"
    status = 403
    title = "This key may not do that"


class RequestTooSlow(ServiceError):
    """The client sends its request too slowly, or stopped."""

    slug = "request-too-slow"
    status = 408
    title = "The request came too slowly"


class TooLarge(ServiceError):
    """The body is over the limit."""

    slug = "too-large"
    status = 413
    title = "The body is too large"


class WrongMediaType(ServiceError):
    """The body is of a type that the route does not read."""

    slug = "wrong-media-type"
    status = 415
    title = "The Content-Type is not supported"


class InvalidRequest(ServiceError):
    """The request is not what the route's documentation says."""

    slug = "invalid-request"
    status = 422
    title = "The request is not valid"


class HeadersTooLarge(ServiceError):
    """The request line and headers are over the limit."""

    slug = "headers-too-large"
    status = 431
    title = "The headers are too large"


class TooManyRequests(ServiceError):
    """The key, or the address that sends unknown keys, has used up what it may ask for now."""

    slug = "too-many-requests"
    status = 429
    title = "Too many requests"

    def __init__(self, detail: str, *, retry_after: float) -> None:
        super().__init__(detail)
        self.retry_after_seconds = max(1, ceil(retry_after))


class RefusedWhileReading(HTTPException):
    """A refusal while the body is read, where FastAPI lets only its own exceptions through."""

    def __init__(self, refusal: ServiceError) -> None:
        super().__init__(refusal.status, refusal.detail)
        self.refusal = refusal


# What any route behind a key may answer, beside its own refusals.
COMMON: tuple[type[ServiceError], ...] = (
    Unauthenticated,
    Forbidden,
    InvalidRequest,
    HeadersTooLarge,
    TooManyRequests,
    DatabaseBusy,
    DatabaseUnavailable,
    Overloaded,
)


def documented(*refusals: type[ServiceError]) -> dict[int | str, dict[str, Any]]:
    """Return FastAPI's `responses` for these refusals, one entry a status."""
    responses: dict[int | str, dict[str, Any]] = {}
    for refusal in refusals:
        known = responses.get(refusal.status)
        title = f"{known['description']}; {refusal.title}" if known else refusal.title
        schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
        responses[refusal.status] = {"description": title, "content": {MEDIA_TYPE: schema}}
    return responses


def problem_response(
    request: Request,
    *,
    status: int,
    slug: str,
    title: str,
    detail: str,
    headers: dict[str, str] | None = None,
    **members: Any,
) -> Response:
    """Return one problem; members that are None are left out."""
    body = {
        "type": _URN + slug,
        "title": title,
        "status": status,
        "detail": detail,
        "request_id": request.scope.get("state", {}).get("request_id"),
        **members,
    }
    present = {name: value for name, value in body.items() if value is not None}
    text = json.dumps(present, default=str)
    return Response(text, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def refusal_response(request: Request, refusal: ServiceError) -> Response:
    """Return the problem for a refusal of ours."""
    headers = {}
    if refusal.retry_after_seconds is not None:
        headers["Retry-After"] = str(refusal.retry_after_seconds)
    if isinstance(refusal, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    return problem_response(
        request,
        status=refusal.status,
        slug=refusal.slug,
        title=refusal.title,
        detail=refusal.detail,
        headers=headers,
        **refusal.members,
    )


def field_errors(errors: Sequence[Any]) -> list[dict[str, str]]:
    """Return what is wrong where, without repeating what was sent."""
    return [_field_error(error) for error in errors[:MOST_ERRORS]]


def _field_error(error: Mapping[str, Any]) -> dict[str, str]:
    location, *path = [told(part) for part in error["loc"]] or ["body"]
    message = _NO_OBJECT if error["type"] in _OBJECT_WANTED else error["msg"]
    return {
        "location": location,
        "field": ".".join(path) or location,
        "message": message.removeprefix("Value error, "),
    }


def told(part: int | str) -> str:
    """Return a name as it was sent, so much of it as a refusal may repeat."""
    # A field's name as it was sent may hold a lone surrogate, which UTF-8 cannot carry.
    return str(part)[:_LONGEST_NAME].encode(errors="backslashreplace").decode()


def install_problem_handlers(app: FastAPI) -> None:
    """Make every refusal of the app a problem: ours, FastAPI's and Starlette's."""

    def refused(request: Request, refusal: Exception) -> Response:
        assert isinstance(refusal, ServiceError)  # noqa: S101 - what it is registered for
        return refusal_response(request, refusal)

    def invalid(request: Request, refusal: Exception) -> Response:
        assert isinstance(refusal, RequestValidationError)  # noqa: S101 - what it is registered for
        if isinstance(refusal.body, bytes):  # FastAPI parses only what is called JSON
            return refusal_response(request, WrongMediaType("Send it as application/json."))
        if refusal.errors()[0]["type"] == "json_invalid":
            place = refusal.errors()[0]["loc"][-1]
            detail = f"The body is not JSON: look at character {place}."
            return refusal_response(request, InvalidRequest(detail))
        errors = field_errors(refusal.errors())
        named = ", ".join(sorted({error["field"] for error in errors}))
        return refusal_response(request, InvalidRequest(f"Look at: {named}.", errors=errors))

    def http_error(request: Request, refusal: Exception) -> Response:
        assert isinstance(refusal, HTTPException)  # noqa: S101 - what it is registered for
        if isinstance(refusal, RefusedWhileReading):
            return refusal_response(request, refusal.refusal)
        if refusal.status_code == HTTPStatus.BAD_REQUEST:
            # FastAPI's word for JSON that its parser gives up on: not UTF-8, or nested too deep.
            return refusal_response(request, InvalidRequest("The body cannot be read as JSON."))
        headers = dict(refusal.headers or {})
        if "Allow" in headers:
            headers["Allow"] = ", ".join(_methods_here(request))
        phrase = HTTPStatus(refusal.status_code).phrase
        return problem_response(
            request,
            status=refusal.status_code,
            slug=phrase.lower().replace(" ", "-"),
            title=phrase,
            detail=_HTTP_DETAILS.get(refusal.status_code, str(refusal.detail)),
            headers=headers,
        )

    app.add_exception_handler(ServiceError, refused)
    app.add_exception_handler(OSError, _system_error)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http_error)


def _system_error(request: Request, failure: Exception) -> Response:
    if shortage := descriptors.shortage(failure):
        return refusal_response(request, shortage)
    raise failure


def _methods_here(request: Request) -> list[str]:
    # Starlette names those of one route only, where several have the same path.
    def is_served(method: str) -> bool:
        scope = {**request.scope, "method": method}
        return any(route.matches(scope)[0] is Match.FULL for route in request.app.router.routes)

    return [method for method in _METHODS if is_served(method)]


_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

_HTTP_DETAILS = {
    404: "There is no such route. See /docs.",
    405: "The route is there but not with this method. See /docs.",
}
