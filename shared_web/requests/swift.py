"""Routes that take one JSON body many times a second.

FastAPI looks over a route's parameters and dependencies anew for each request, which costs several
times what storing an event does. Here a request that is as most are goes past that; every other,
and every body that is refused, goes FastAPI's way, so that answers and documents are the same.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, cast

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import from_json

from shared_web.auth.admitted_route import AdmittedRoute, Handler
from shared_web.requests.json_bodies import MOST_NAMES

Resolve = Callable[[Request], Awaitable[Any]]

# A longer body is not as most are, and is read off the event loop.
_LONGEST_BYTES = 64 * 1024


class Plain(Protocol):
    """A dependency of a route that needs other ones, and can do without FastAPI's solving them."""

    async def plainly(self, request: Request) -> Any:
        """Return what the dependency does."""


class SwiftRoute(AdmittedRoute):
    """A route that is swift if its endpoint takes one JSON body, and else like any other."""

    def get_admitted_handler(self) -> Handler:
        """Return what handles the request of an admitted caller."""
        thorough = super().get_admitted_handler()
        if not self.dependant.body_params:
            return thorough
        plan = _Plan(self)

        async def handle(request: Request) -> Response:
            values = await plan.values(request)
            if values is None:
                return await thorough(request)
            return plan.answer(await self.endpoint(**values), values)

        return handle


class _Plan:
    """What the endpoint of a route is called with, looked over once."""

    def __init__(self, route: APIRoute) -> None:
        dependant = route.dependant
        [body] = dependant.body_params
        self._body_name = body.name
        self._body = TypeAdapter[Any](cast("type", body.field_info.annotation))
        self._dependencies = [(each.name, _resolver(each)) for each in dependant.dependencies]
        self._response_name = dependant.response_param_name
        # With a query, or one of these headers, a request is not as most are.
        self._read_headers = {each.alias.lower().encode() for each in dependant.header_params}
        self._status = route.status_code or 200
        if dependant.query_params or dependant.path_params or dependant.cookie_params:
            raise TypeError(f"{route.name} reads more than a body and headers")

    async def values(self, request: Request) -> dict[str, Any] | None:
        """Return the endpoint's arguments, None if FastAPI has to look at the request."""
        if request.scope["query_string"] or not self._is_plain(request):
            return None
        body = await request.body()
        if len(body) > _LONGEST_BYTES:
            return None
        try:
            sent = from_json(body)
        except ValueError:
            return None
        if isinstance(sent, dict) and len(sent) > MOST_NAMES:
            return None
        resolved = [(name, await resolve(request)) for name, resolve in self._dependencies]
        values = {name: value for name, value in resolved if name is not None}
        try:
            values[self._body_name] = self._body.validate_python(sent)
        except ValidationError:
            return None
        if self._response_name is not None:
            values[self._response_name] = Response()
        return values

    def _is_plain(self, request: Request) -> bool:
        is_json = False
        for name, value in request.scope["headers"]:
            if name == b"content-type":
                is_json = value == b"application/json"
            elif name in self._read_headers:
                return False
        return is_json

    def answer(self, result: BaseModel | Response, values: dict[str, Any]) -> Response:
        """Return the result as FastAPI would."""
        if isinstance(result, Response):
            return result
        content = result.__pydantic_serializer__.to_json(result, by_alias=True)
        response = Response(content, self._status, media_type="application/json")
        if self._response_name is not None:
            added: Response = values[self._response_name]
            kept = (pair for pair in added.headers.raw if pair[0] != b"content-length")
            response.headers.raw.extend(kept)
        return response


def _resolver(dependant: Dependant) -> Resolve:
    call = dependant.call
    plainly = getattr(call, "plainly", None)
    if plainly is not None:
        resolve: Resolve = plainly
        return resolve
    takes_more = dependant.dependencies or dependant.header_params or dependant.query_params
    if call is None or takes_more or dependant.request_param_name is None:
        raise TypeError(f"{call} needs more than the request")
    return call
