"""Routes of the services under the address of the pages, for other frontends on one origin.

`/api/staffstuddash/api/v1/students` is `/api/v1/students` of staffstuddash. A request with a key or
a token is passed on with it; any other is sent in the name of the session's person.
"""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Annotated

import httpx
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from shared_web.auth.tokens.logins import ON_BEHALF_OF
from shared_web.problems import BodyRefused, problem_response, refusal_response
from shared_web.requests.body_limit import BODY_READER, BodyReader
from veritas_web.dependencies import CurrentApp, Parts, caller_for, current_viewer
from veritas_web.errors import PageNotFound
from veritas_web.services.all import NAMES
from veritas_web.services.rest import request_id
from veritas_web.sessions.origin import bearer_of

router = APIRouter()

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
_SERVED = (b"/api/v1/", b"/openapi.json")
# Of one connection (RFC 9110, 7.6.1).
_HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
# Of the browser and of proxies; services without keys would take them for a foreign page.
_NOT_SENT = _HOP_BY_HOP | {
    "cookie",
    "expect",
    "forwarded",
    "host",
    "origin",
    "referer",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
    "x-request-id",
}
_OF_CALLER = {"authorization", ON_BEHALF_OF.lower()}
_NOT_RETURNED = _HOP_BY_HOP | {"date", "server", "set-cookie", "x-request-id"}


async def _caller_headers(request: Request, parts: CurrentApp) -> dict[str, str]:
    """Return the headers that name the caller to the service.

    Raises:
        SignInNeeded, ServiceAway: as of a page, if the request has no key or token.

    """
    if bearer_of(request) is not None:
        sent = {name: request.headers.get(name) for name in _OF_CALLER}
        named = {name: value for name, value in sent.items() if value is not None}
        return named | _client_of(request, parts)
    return dict(caller_for(parts, await current_viewer(request, parts)).headers)


@router.api_route("/api/{service}/{path:any_text}", methods=_METHODS)
async def pass_through(
    service: str,
    request: Request,
    parts: CurrentApp,
    caller: Annotated[Mapping[str, str], Depends(_caller_headers)],
) -> Response:
    """Send the request to the service, and return its answer; both bodies are streamed."""
    target = _target(service, request)
    reader: BodyReader = request.scope[BODY_READER]
    reader.allow(parts.settings.max_batch_bytes)
    has_body = "content-length" in request.headers or "transfer-encoding" in request.headers
    sent = httpx.Request(
        request.method,
        parts.settings.url_of(service),
        headers=_sent(request, caller),
        content=request.stream() if has_body or reader.is_compressed else None,
    )
    sent.url = sent.url.copy_with(raw_path=target)
    try:
        answer = await parts.clients.stream(service, sent)
    except BodyRefused as refusal:
        return refusal_response(request, refusal.refusal)
    except httpx.HTTPError:
        return _away(request, service)
    headers = _returned(service, answer.headers.multi_items())
    return _PipedResponse(answer, headers)


class _PipedResponse(StreamingResponse):
    """Answer of a service, piece by piece; the rest of the request's body is not read."""

    def __init__(self, answer: httpx.Response, headers: Mapping[str, str]) -> None:
        super().__init__(answer.aiter_raw(), answer.status_code, headers=headers)
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - of ASGI
        try:
            await self.stream_response(send)
        finally:
            await self._answer.aclose()


def _target(service: str, request: Request) -> bytes:
    """Return path and query of the request at the service, as they were sent.

    Raises:
        PageNotFound: there is no such service, or the path is none of its API.

    """
    path: bytes = request.scope.get("raw_path") or request.url.path.encode()
    rest = path.removeprefix(f"/api/{service}".encode())
    is_served = rest.startswith(_SERVED[0]) or rest == _SERVED[1]
    # Clients and servers differ in the meaning of these.
    is_plain = not {b".", b".."} & {*rest.lower().replace(b"%2e", b".").split(b"/")}
    if service not in NAMES or not is_served or not is_plain:
        raise PageNotFound("Under /api are the three services, as /api/dropout/api/v1/courses.")
    query: bytes = request.scope.get("query_string", b"")
    return rest + b"?" + query if query else rest


def _sent(request: Request, caller: Mapping[str, str]) -> list[tuple[str, str]]:
    own = request_id()
    left_out = _NOT_SENT | _OF_CALLER | _named_by_connection(request.headers.getlist("connection"))
    left_out |= {name.lower() for name in own}
    kept = [
        (name, value)
        for name, value in request.headers.items()
        if name not in left_out and not name.startswith("sec-")
    ]
    # Otherwise the client library would offer encodings that the caller did not.
    default = [] if "accept-encoding" in request.headers else [("accept-encoding", "identity")]
    return [*kept, *default, *caller.items(), *own.items()]


def _named_by_connection(values: Iterable[str]) -> set[str]:
    return {name.strip().lower() for value in values for name in value.split(",")}


def _client_of(request: Request, parts: Parts) -> dict[str, str]:
    """Return the header with the client's address, for keys that are limited to addresses.

    The services read it if TRUSTED_PROXIES names the pages. A developer's services have no proxy.
    """
    if parts.settings.may_be_keyless or request.client is None:
        return {}
    return {"x-forwarded-for": request.client.host}


def _returned(service: str, headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    kept = {name: value for name, value in headers if name.lower() not in _NOT_RETURNED}
    if kept.get("location", "").startswith("/"):
        kept["location"] = f"/api/{service}{kept['location']}"
    return kept


def _away(request: Request, service: str) -> Response:
    return problem_response(
        request,
        status=HTTPStatus.SERVICE_UNAVAILABLE,
        slug="service-away",
        title="The service cannot be reached",
        detail=f"{service} does not answer. Try again in a few seconds.",
        headers={"Retry-After": "2"},
    )
