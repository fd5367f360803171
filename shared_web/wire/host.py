"""Check of the Host header, before anything relies on it."""

import ipaddress
import re
from functools import lru_cache

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from shared_web.problems import refusal_response
from shared_web.wire.problem_bytes import MalformedRequest

_HOST = re.compile(rb"(?:([A-Za-z0-9._-]{1,255})|\[([0-9A-Fa-f:.]{2,45})\])(?::([0-9]{0,5}))?")
_MAX_PORT = 65535
_REMEDY = "Send one Host header with a name or an address, and a port of 1 to 65535 if necessary."


class HostCheck:
    """Middleware that refuses requests without exactly one valid Host header.

    HTTP/1.0 does not need it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 400."""
        if scope["type"] == "http":
            sent = tuple(value for name, value in scope["headers"] if name == b"host")
            reason = _fault(sent, is_needed=scope.get("http_version") != "1.0")
            if reason is not None:
                answer = refusal_response(Request(scope), MalformedRequest(f"{reason} {_REMEDY}"))
                answer.headers["Connection"] = "close"
                await answer(scope, receive, send)
                return
        await self.app(scope, receive, send)


@lru_cache(maxsize=256)
def _fault(sent: tuple[bytes, ...], *, is_needed: bool) -> str | None:
    """Return the fault of the Host headers of a request, or None."""
    if not sent:
        return "The Host header is absent." if is_needed else None
    if len(sent) > 1:
        return "There are several Host headers."
    if not sent[0]:
        return "The Host header is empty."
    found = _HOST.fullmatch(sent[0])
    if found is None or (found[2] is not None and not _is_ipv6(found[2].decode())):
        return "The Host header is not valid."
    if found[3] and not 1 <= int(found[3]) <= _MAX_PORT:
        return "The port of the Host header is not valid."
    return None


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True
