"""Routes behind a key: a caller is admitted before a byte of the body is read."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from shared_web.auth.dependencies import RequireScope
from shared_web.requests.json_bodies import JsonRequest

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class AdmittedRoute(APIRoute):
    """A route that admits its caller first, where FastAPI would read and parse the body first.

    The admissions are those among the route's dependencies, which find the caller admitted.
    """

    def get_route_handler(self) -> Handler:
        """Return what handles a request."""
        calls = [dependency.call for dependency in self.dependant.dependencies]
        admissions = [call for call in calls if isinstance(call, RequireScope)]
        if not admissions:
            raise TypeError(f"{self.name} asks for no scope")
        answer = self.get_admitted_handler()
        takes_json = bool(self.dependant.body_params)

        async def handle(request: Request) -> Response:
            if takes_json:
                request = JsonRequest(request.scope, request.receive)
            for admission in admissions:
                await admission.plainly(request)
            return await answer(request)

        return handle

    def get_admitted_handler(self) -> Handler:
        """Return what handles the request of an admitted caller."""
        return super().get_route_handler()
