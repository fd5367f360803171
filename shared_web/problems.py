"""Refusals as `application/problem+json` (RFC 9457), and their documentation in OpenAPI."""

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

from shared_db.errors import (
    DatabaseBusy,
    DatabaseUnavailable,
    Moved,
    NotForPersons,
    NotFound,
    Overloaded,
    RowLimitsUnavailable,
    ServiceError,
)
from shared_db.resilience import descriptors
from shared_db.spool.access import SpoolAccess
from shared_web.routing import path_with

MEDIA_TYPE = "application/problem+json"
SCHEMA_REFERENCE = "#/components/schemas/{model}"
_URN = "urn:veritas:problem:"
MAX_ERRORS = 20
_MAX_NAME_LENGTH = 100
# Pydantic's messages of these types contain our class names, which a client does not know.
_OBJECT_WANTED = {"model_type", "model_attributes_type", "dataclass_type", "dict_type"}
_STILL_SPOOLED = "It was accepted and is not in the database yet. Try again in a few seconds."
_NO_OBJECT = "Input should be a JSON object"


class FieldError(BaseModel):
    """One error in a request."""

    location: str
    field: str
    message: str


class Problem(BaseModel):
    """Refusal of a request; `type` and `title` are the same for all of a kind."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    request_id: str | None = None
    errors: list[FieldError] | None = None


class Unauthenticated(ServiceError):
    """The key is absent, unknown or revoked, or the token is not valid."""

    slug = "unauthenticated"
    status = 401
    title = "A valid API key or access token is needed"


class Forbidden(ServiceError):
    """The caller lacks the right."""

    slug = "forbidden"
    status = 403
    title = "This caller may not do that"


class RequestTooSlow(ServiceError):
    """The client sends its request too slowly, or has stopped."""

    slug = "request-too-slow"
    status = 408
    title = "The request came too slowly"


class TooLarge(ServiceError):
    """The body is over the limit."""

    slug = "too-large"
    status = 413
    title = "The body is too large"


class WrongMediaType(ServiceError):
    """The route does not read bodies of this type."""

    slug = "wrong-media-type"
    status = 415
    title = "The Content-Type is not supported"


class InvalidRequest(ServiceError):
    """The request does not fit the documentation of the route."""

    slug = "invalid-request"
    status = 422
    title = "The request is not valid"


class HeadersTooLarge(ServiceError):
    """The request line and headers are over the limit."""

    slug = "headers-too-large"
    status = 431
    title = "The headers are too large"


class TooManyRequests(ServiceError):
    """The key, or the address that sends unknown keys, has no requests left for now."""

    slug = "too-many-requests"
    status = 429
    title = "Too many requests"

    def __init__(self, detail: str, *, retry_after: float) -> None:
        super().__init__(detail)
        self.retry_after_seconds = max(1, ceil(retry_after))


class BodyRefused(HTTPException):
    """Refusal while FastAPI reads the body, when it passes on only its own exceptions."""

    def __init__(self, refusal: ServiceError) -> None:
        super().__init__(refusal.status, refusal.detail)
        self.refusal = refusal


# Refusals of every route behind a key, in addition to its own.
COMMON: tuple[type[ServiceError], ...] = (
    Unauthenticated,
    Forbidden,
    InvalidRequest,
    HeadersTooLarge,
    TooManyRequests,
    DatabaseBusy,
    DatabaseUnavailable,
    Overloaded,
    NotForPersons,
    RowLimitsUnavailable,
)


def documented(*refusals: type[ServiceError]) -> dict[int | str, dict[str, Any]]:
    """Return FastAPI's `responses` for these refusals, one entry per status."""
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
    """Return a problem; members that are None are left out."""
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
    """Return the problem of a refusal."""
    headers = {}
    if refusal.retry_after_seconds is not None:
        headers["Retry-After"] = str(refusal.retry_after_seconds)
    if isinstance(refusal, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(refusal, Moved):
        location = path_with(request.scope, refusal.parameter, refusal.target)
        headers |= {"Location": location} if location else {}
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
    """Return the place and the message of each error, without the values sent."""
    return [_field_error(error) for error in errors[:MAX_ERRORS]]


def _field_error(error: Mapping[str, Any]) -> dict[str, str]:
    location, *path = [safe_name(part) for part in error["loc"]] or ["body"]
    message = _NO_OBJECT if error["type"] in _OBJECT_WANTED else error["msg"]
    return {
        "location": location,
        "field": ".".join(path) or location,
        "message": message.removeprefix("Value error, "),
    }


def safe_name(part: int | str) -> str:
    """Return the beginning of a name that a client sent, encodable as UTF-8."""
    # The name may contain a lone surrogate, which UTF-8 cannot encode.
    return str(part)[:_MAX_NAME_LENGTH].encode(errors="backslashreplace").decode()


def install_problem_handlers(app: FastAPI, spool: SpoolAccess) -> None:
    """Answer every refusal of the app with a problem: ours, FastAPI's and Starlette's.

    spool: a row that waits in it is not in the database yet, which is no 404.
    """

    def refused(request: Request, refusal: Exception) -> Response:
        assert isinstance(refusal, ServiceError)  # noqa: S101 - registered for it
        if isinstance(refusal, NotFound) and spool.holds(refusal.members.values()):
            return refusal_response(request, DatabaseUnavailable(_STILL_SPOOLED))
        return refusal_response(request, refusal)

    def invalid(request: Request, refusal: Exception) -> Response:
        assert isinstance(refusal, RequestValidationError)  # noqa: S101 - registered for it
        if isinstance(refusal.body, bytes):  # FastAPI parses a body only if its type is JSON
            return refusal_response(request, WrongMediaType("Send it as application/json."))
        if refusal.errors()[0]["type"] == "json_invalid":
            place = refusal.errors()[0]["loc"][-1]
            detail = f"The body is not JSON: look at character {place}."
            return refusal_response(request, InvalidRequest(detail))
        errors = field_errors(refusal.errors())
        named = ", ".join(sorted({error["field"] for error in errors}))
        return refusal_response(request, InvalidRequest(f"Look at: {named}.", errors=errors))

    def http_error(request: Request, refusal: Exception) -> Response:
        assert isinstance(refusal, HTTPException)  # noqa: S101 - registered for it
        if isinstance(refusal, BodyRefused):
            return refusal_response(request, refusal.refusal)
        if refusal.status_code == HTTPStatus.BAD_REQUEST:
            # FastAPI raises this for JSON that is not UTF-8 or is nested too deep.
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
    # Starlette names the methods of one route only, even if several have the same path.
    def is_served(method: str) -> bool:
        scope = {**request.scope, "method": "GET" if method == "HEAD" else method}
        return any(route.matches(scope)[0] is Match.FULL for route in request.app.router.routes)

    return [method for method in _METHODS if is_served(method)]


_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

_HTTP_DETAILS = {
    404: "There is no such route. See /docs.",
    405: "The route is there but not with this method. See /docs.",
}
