"""Prefix of the routes, name of a route in logs, and HEAD as GET without a body."""

from urllib.parse import quote

from starlette.convertors import PathConvertor, register_url_convertor
from starlette.types import ASGIApp, Message, Receive, Scope, Send

API_PREFIX = "/api/v1"


class AnyTextConvertor(PathConvertor):
    """Rest of a path with any characters; Starlette's `path` has no line breaks."""

    regex = "(?s:.*)"


# Name of the convertor in the path of a route.
ANY_TEXT = "any_text"
register_url_convertor(ANY_TEXT, AnyTextConvertor())


def route_template(scope: Scope) -> str:
    """Return the path template, `/api/v1/students/{student_id}`, or a fixed text for no route."""
    path = getattr(scope.get("route"), "path_format", None)
    if not isinstance(path, str):
        return "(no route)"
    # A route of an included router has only its own part of the path.
    is_part = scope["path"].startswith(API_PREFIX) and not path.startswith(API_PREFIX)
    return API_PREFIX + path if is_part else path


def path_with(scope: Scope, parameter: str, value: str) -> str | None:
    """Return path and query of the request with another value of a path parameter.

    None if the route has no such parameter.
    """
    values = scope.get("path_params", {})
    if parameter not in values:
        return None
    present = {**values, parameter: value}
    escaped = {name: quote(str(each), safe="") for name, each in present.items()}
    path = quote(scope.get("root_path", "")) + route_template(scope).format_map(escaped)
    query: bytes = scope.get("query_string", b"")
    return f"{path}?{query.decode('latin-1')}" if query else path


class HeadRequests:
    """Middleware that answers HEAD as GET, without the body."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app with GET instead of HEAD."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return

        async def send_without_body(message: Message) -> None:
            # The server must know that no body follows; the log has the method that was sent.
            scope["method"] = "HEAD"
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        scope["method"] = "GET"
        try:
            await self.app(scope, receive, send_without_body)
        finally:
            scope["method"] = "HEAD"
