"""Route that checks the caller and the query before a byte of the body is read."""

from collections.abc import Callable, Coroutine
from inspect import signature
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from shared_web.audit.recording import purpose_of, record_read
from shared_web.audit.shown_students import ShownStudents
from shared_web.auth.dependencies import RequirePermission
from shared_web.deprecation import deprecation_of
from shared_web.query.strict_parameters import DeclaredParameters
from shared_web.requests.json_bodies import JsonRequest
from shared_web.threads import in_request_thread
from shared_web.whole_school.routes import NOT_MODIFIED, forgetting, is_whole_school, kept, tagged


class AdmittedRoute(APIRoute):
    """Route that admits callers; FastAPI alone would read and parse the body before dependencies.

    The permission is that of the `RequirePermission` among the route's dependencies; the OpenAPI
    document states it as `x-permission`. When FastAPI resolves the dependency later, it finds the
    caller in the request's state.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, in_request_thread(endpoint), **options)
        permission = self._admission().permission
        if permission is not None:
            self.openapi_extra = {**(self.openapi_extra or {}), "x-permission": permission.value}
        if is_whole_school(self):
            self.responses = {**self.responses, 304: NOT_MODIFIED}
        self._deprecation = deprecation_of(self)
        if self._deprecation is not None:
            self.deprecated = True

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; every answer of a deprecated route says so."""
        if self._deprecation is not None:
            send = self._deprecation.marking(send)
        await super().handle(scope, receive, send)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the function that answers a request."""
        admission = self._admission()
        answer = self.endpoint if self._takes_only_request() else super().get_route_handler()
        shown = self.shown_students
        answer = forgetting(admission.permission, answer)
        is_tagged = is_whole_school(self)
        if is_tagged:
            answer = kept(answer, is_personal=shown is not None)
        parameters = DeclaredParameters(self)
        takes_json = bool(self.dependant.body_params)

        async def handle(request: Request) -> Response:
            if takes_json:
                request = JsonRequest(request.scope, request.receive)
            await admission.admit(request)
            if request.scope["query_string"]:
                parameters.reject_others(request.query_params)
            purpose = None if shown is None else purpose_of(request.headers)
            response = await answer(request)
            if shown is not None:
                await record_read(request, response, shown, purpose)
            if is_tagged:
                return tagged(request, response, is_personal=shown is not None)
            return response

        return handle

    @property
    def shown_students(self) -> ShownStudents | None:
        """Students that its answers show and whose reads are recorded; None if it shows none."""
        return ShownStudents.of(self, self._admission().permission)

    def _admission(self) -> RequirePermission:
        calls = [dependency.call for dependency in self.dependant.dependencies]
        found = [call for call in calls if isinstance(call, RequirePermission)]
        if len(found) != 1:
            raise TypeError(f"{self.name} must ask for one permission, not for {len(found)}")
        return found[0]

    def _takes_only_request(self) -> bool:
        """Return True if FastAPI has nothing to resolve for the endpoint, which costs 0.1 ms."""
        needs = self.dependant
        others = (needs.path_params, needs.query_params, needs.header_params, needs.body_params)
        is_admission = all(isinstance(each.call, RequirePermission) for each in needs.dependencies)
        is_alone = needs.request_param_name is not None and (
            len(signature(self.endpoint).parameters) == 1
        )
        return is_admission and is_alone and not any(others) and not needs.cookie_params
