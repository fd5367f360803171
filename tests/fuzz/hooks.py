"""Filter of generated requests."""

from typing import Any
from urllib.parse import quote

import schemathesis
from schemathesis import Case, HookContext

LONGEST_QUERY = 32 * 1024


@schemathesis.hook
def filter_case(_context: HookContext, case: Case[Any]) -> bool:
    """Leave out queries that the HTTP server refuses itself, as plain text: 64 KiB and more."""
    return len(quote(str(case.query), errors="replace")) < LONGEST_QUERY
