"""Where the routes are, and how one is named in logs."""

from starlette.types import Scope

API_PREFIX = "/api/v1"


def route_template(scope: Scope) -> str:
    """Return `/api/v1/students/{student_id}` for a request of that route, else a fixed word."""
    path = getattr(scope.get("route"), "path_format", None)
    if not isinstance(path, str):
        return "(no route)"
    # An included router's route knows only its own part of the path.
    is_part = scope["path"].startswith(API_PREFIX) and not path.startswith(API_PREFIX)
    return API_PREFIX + path if is_part else path
