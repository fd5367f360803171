"""Requests of this machine, and those that a browser sends for a page of another site."""

from collections.abc import Container, Mapping
from urllib.parse import urlsplit

from fastapi import Request

from shared_db.connection.engine import is_local
from shared_web.problems import Forbidden
from shared_web.settings import ServiceSettings

# Headers in which a proxy names its client, besides `Forwarded`.
_FORWARDED = ("x-forwarded-for", "x-real-ip")


def require_local_caller(request: Request, settings: ServiceSettings) -> None:
    """Check that a request without a key comes from this machine, and from no foreign page.

    Raises:
        Forbidden: it does not.

    """
    if not is_local_caller(request, settings):
        raise Forbidden("Without keys this service answers only to this machine, as localhost.")
    if is_from_foreign_page(request.headers, settings.cors_origins):
        raise Forbidden(
            "Without keys this service answers no page of another site. Name the page's origin in "
            "CORS_ORIGINS, or open the page from localhost."
        )


def is_local_caller(request: Request, settings: ServiceSettings) -> bool:
    """Return True if the request comes from this machine, under a local name.

    A page in the developer's browser may reach loopback under another name (DNS rebinding), which
    the Host header shows. A proxy on this machine forwards requests of others. In a container the
    client's address is the engine's gateway.
    """
    client = request.client.host if request.client else None
    behind = [name for header in _FORWARDED for name in request.headers.getlist(header)]
    callers = [*",".join(behind).split(","), *([] if settings.keyless_hosts else [client])]
    host = request.url.hostname
    is_here = all(is_local(caller and caller.strip()) for caller in callers)
    is_named = is_local(host) or host in settings.keyless_hosts
    return is_here and is_named and "forwarded" not in request.headers


def is_from_foreign_page(headers: Mapping[str, str], allowed: Container[str]) -> bool:
    """Return True if a page that is neither local nor of an allowed origin sent the request.

    Browsers send no Origin for navigation and images, but Sec-Fetch-Site.
    """
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site") == "cross-site"
    return origin not in allowed and not _is_loopback(origin)


def _is_loopback(origin: str) -> bool:
    try:
        host = urlsplit(origin).hostname
    except ValueError:  # no browser sends such an origin
        return False
    return bool(host) and is_local(host)
