"""Headers of answers: pages of other origins may read every one that the code sets."""

import ast
import re

from shared_web.auth.cors import EXPOSED_HEADERS
from shared_web.operations.spool import STORAGE_HEADER
from tests.support.source_files import python_files

SERVED = (
    "shared_db", "shared_web", "monitoring_service", "staffstuddash_service", "dropout_service",
)  # fmt: skip
READABLE = {name.lower() for name in (*EXPOSED_HEADERS, STORAGE_HEADER)}
# CORS-safelisted response-header names of the Fetch standard.
SAFELISTED = {
    "cache-control", "content-language", "content-length", "content-type", "expires",
    "last-modified", "pragma",
}  # fmt: skip
# Names that are sent by clients or other programs, or that a browser keeps to itself.
OTHERS = {
    "accept-encoding": "request",
    "idempotency-key": "request",
    "if-none-match": "request",
    "veritas-on-behalf-of": "request",
    "veritas-purpose": "request",
    "host": "request",
    "access-control-allow-headers": "read by the browser itself",
    "content-security-policy": "read by the browser itself",
    "x-content-type-options": "read by the browser itself",
    "connection": "of one connection",
    "content-encoding": "of the transfer",
    "transfer-encoding": "of the transfer",
    "auto-submitted": "mail",
    "message-id": "mail",
}
NO_HEADERS = {"close", "identity", "no-store", "nosniff", "l-bfgs-b"}
_NAME = re.compile(
    r"[A-Z][A-Za-z]*(-[A-Z][A-Za-z]*)+|ETag|Link|Location|Allow|Vary|Sunset|Deprecation|RateLimit"
)


def names_in_the_code() -> set[str]:
    """Return the constants that look like names of headers, in lower case."""
    found = set()
    for file in python_files(*SERVED):
        for node in ast.walk(ast.parse(file.read_text())):
            value = node.value if isinstance(node, ast.Constant) else None
            if isinstance(value, bytes) and re.fullmatch(rb"[a-z]+(-[a-z]+)*", value):
                found.add(value.decode())
            elif isinstance(value, str) and _NAME.fullmatch(value):
                found.add(value.lower())
    return found


def test_pages_may_read_every_header_of_answers() -> None:
    found = names_in_the_code()

    assert {"etag", "veritas-storage", "idempotent-replay", "ratelimit"} <= found
    assert found - READABLE - SAFELISTED - OTHERS.keys() - NO_HEADERS == set()
    assert OTHERS.keys() | NO_HEADERS <= found
