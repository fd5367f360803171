"""Origin of a request: pages of other sites that a browser lets send requests to this machine."""

from collections.abc import Container, Mapping
from urllib.parse import urlsplit

from shared_db.connection.engine import is_local


def is_from_foreign_page(headers: Mapping[str, str], allowed: Container[str]) -> bool:
    """Whether a page sent the request that is neither of this machine nor of an allowed origin.

    Browsers send no Origin with navigation and images; Sec-Fetch-Site then tells the same.
    """
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site") == "cross-site"
    return origin not in allowed and not _is_loopback(origin)


def _is_loopback(origin: str) -> bool:
    try:
        host = urlsplit(origin).hostname
    except ValueError:  # not an origin that a browser sends, so none of this machine
        return False
    return bool(host) and is_local(host)
