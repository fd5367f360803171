"""Route that checks the caller and the query before a byte of the body is read."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from shared_web.auth.dependencies import RequireScope
from shared_web.query.strict_parameters import DeclaredParameters
from shared_web.requests.json_bodies import JsonRequest


class AdmittedRoute(APIRoute):
    """Route that needs a scope; FastAPI alone would read and parse the body before dependencies.

    The scopes are those of the `RequireScope` among the route's dependencies. When FastAPI
    resolves these later, they find the caller in the request's state.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the function that answers a request."""
        calls = [dependency.call for dependency in self.dependant.dependencies]
        scopes = [call for call in calls if isinstance(call, RequireScope)]
        if not scopes:
            raise TypeError(f"{self.name} asks for no scope")
        answer = super().get_route_handler()
        parameters = DeclaredParameters(self.dependant)
        takes_json = bool(self.dependant.body_params)

        async def handle(request: Request) -> Response:
            if takes_json:
                request = JsonRequest(request.scope, request.receive)
            for scope in scopes:
                await scope.admit(request)
            if request.scope["query_string"]:
                parameters.reject_others(request.query_params)
            return await answer(request)

        return handle
