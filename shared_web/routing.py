"""Prefix of the routes, and the name of a route in logs."""

from starlette.types import Scope

API_PREFIX = "/api/v1"


def route_template(scope: Scope) -> str:
    """Return the path template, `/api/v1/students/{student_id}`, or a fixed text for no route."""
    path = getattr(scope.get("route"), "path_format", None)
    if not isinstance(path, str):
        return "(no route)"
    # A route of an included router has only its own part of the path.
    is_part = scope["path"].startswith(API_PREFIX) and not path.startswith(API_PREFIX)
    return API_PREFIX + path if is_part else path
