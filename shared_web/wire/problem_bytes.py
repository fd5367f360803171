"""Problems as bytes of a connection, for requests that do not reach the app."""

from collections.abc import Sequence
from http import HTTPStatus

from starlette.requests import Request

from shared_db.errors import ServiceError
from shared_web.problems import refusal_response
from shared_web.wire.private_answers import PRIVATE_HEADERS


class MalformedRequest(ServiceError):
    """The bytes are not an HTTP request."""

    slug = "malformed-request"
    status = 400
    title = "The request is not valid HTTP"


def problem_on_the_wire(
    refusal: ServiceError, request_id: str, default_headers: Sequence[tuple[bytes, bytes]]
) -> bytes:
    """Return the complete response, which closes the connection."""
    scope = {"type": "http", "headers": [], "state": {"request_id": request_id}}
    response = refusal_response(Request(scope), refusal)
    headers = [
        *default_headers,
        *response.raw_headers,
        *PRIVATE_HEADERS,
        (b"x-request-id", request_id.encode()),
        (b"connection", b"close"),
    ]
    phrase = HTTPStatus(refusal.status).phrase
    lines = [f"HTTP/1.1 {refusal.status} {phrase}".encode()]
    lines += [name + b": " + value for name, value in headers]
    return b"\r\n".join([*lines, b"", bytes(response.body)])
