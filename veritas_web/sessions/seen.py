"""Number of students that a reader can see this week, kept in a cookie."""

from starlette.requests import Request

COOKIE = "veritas-students"
USUAL, LEAST, MOST = 10, 1, 30


def students_seen(request: Request) -> int:
    """Return the number of the cookie, or the usual one."""
    try:
        chosen = int(request.cookies.get(COOKIE, ""))
    except ValueError:
        return USUAL
    return min(MOST, max(LEAST, chosen))
