"""Data of the services' answers, for pages with blocks that may be not known now."""

from typing import Any

from veritas_web.errors import KeyRefused, NotAllowed, PageNotFound
from veritas_web.services.rest import Answer, Away, Refused, Result

_TOO_SMALL = "group-too-small"


def required(result: Result) -> Any:
    """Return the data of a page's main block; None if the service is away or cannot tell.

    Raises:
        PageNotFound: the service knows no such thing in the reader's sight, or not any more.
        NotAllowed: the reader lacks the permission.
        KeyRefused: the service refuses the key of the pages.

    """
    if isinstance(result, Answer):
        return result.data
    if isinstance(result, Away):
        return None
    match result.status:
        case 404 | 308 | 410:
            raise PageNotFound(result.detail)
        case 403:
            raise NotAllowed(result.detail)
        case 401:
            raise KeyRefused(result.detail)
    return None


def optional(result: Result) -> Any:
    """Return the data of a further block; None if it is not known to this reader now."""
    return result.data if isinstance(result, Answer) else None


def is_too_small(result: Result) -> bool:
    """Return True if figures were refused: the reader sees fewer than 5 students."""
    return isinstance(result, Refused) and result.slug == _TOO_SMALL
