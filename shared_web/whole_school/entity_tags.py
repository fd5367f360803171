"""Entity tags of answers, and 304 for a client that has the answer (RFC 9110, 8.8.3 and 13.1.2)."""

import re
from hashlib import blake2b

from starlette.datastructures import Headers
from starlette.responses import Response

_OK = 200
_NOT_MODIFIED = 304
_DIGEST_BYTES = 16
_TAG = re.compile(r'\s*(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")\s*(?:,|$)')


def entity_tag(body: bytes) -> str:
    """Return the weak tag of these bytes, the same for compressed and other answers."""
    return f'W/"{blake2b(body, digest_size=_DIGEST_BYTES).hexdigest()}"'


def has_tag(headers: Headers, tag: str) -> bool:
    """Return True if `If-None-Match` is `*` or its list has the tag, compared weakly.

    A malformed list ends at its first error, so that the whole answer is sent.
    """
    wanted = ",".join(headers.getlist("if-none-match")).strip()
    if wanted == "*":
        return True
    opaque = tag.removeprefix("W/")
    position = 0
    while match := _TAG.match(wanted, position):
        if match[1] == opaque:
            return True
        position = match.end()
    return False


def not_modified(response: Response) -> Response:
    """Return the 304 that stands for a response: the same headers except those of the content."""
    answer = Response(status_code=_NOT_MODIFIED)
    content = (b"content-length", b"content-type")
    answer.raw_headers = [pair for pair in response.raw_headers if pair[0] not in content]
    return answer


def is_tagged(response: Response) -> bool:
    """Return True if the response is one that gets a tag: successful, with its body in memory."""
    return response.status_code == _OK and hasattr(response, "body")
