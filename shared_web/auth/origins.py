"""Detection of requests that a browser sends for a page of another site."""

from collections.abc import Container, Mapping
from urllib.parse import urlsplit

from shared_db.connection.engine import is_local


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
