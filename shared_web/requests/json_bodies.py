"""Bodies of one JSON value: bounded before they are parsed, and large ones off the event loop."""

import json
import re
from itertools import islice
from typing import Any

from anyio import CapacityLimiter, to_thread
from fastapi import Request

from shared_web.problems import (
    MOST_ERRORS,
    InvalidRequest,
    RefusedWhileReading,
    TooLarge,
    field_errors,
)

# A list or an object counts twice. No body that a route accepts has as many: two objects of 64 KiB
# have fewer.
MOST_VALUES = 100_000
DEEPEST = 64
# What is read field by field; more names would be as many errors.
MOST_NAMES = 200
# A body up to this takes less time than the way to a thread and back.
_SMALL_BYTES = 64 * 1024
_THREADS = 2
# Brackets that are looked at where a body is refused in any case, to say why.
_FEW = 1000

_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_BRACKET = re.compile(r"[\[{]|([\]}])")


class JsonRequest(Request):
    """A request whose JSON is bounded; FastAPI asks it for the body's value."""

    async def json(self) -> Any:
        """Return the value of the body.

        Raises:
            RefusedWhileReading: it has more than `MOST_VALUES` values (413), or is nested deeper
                than `DEEPEST`, or is an object of more than `MOST_NAMES` fields (422).
            ValueError: it is not JSON.

        """
        body = await self.body()
        if len(body) <= _SMALL_BYTES:
            return _parsed(body)
        return await to_thread.run_sync(_parsed, body, limiter=_limiter(self))


def _limiter(request: Request) -> CapacityLimiter:
    state = request.app.state
    if not hasattr(state, "json_threads"):
        state.json_threads = CapacityLimiter(_THREADS)
    limiter: CapacityLimiter = state.json_threads
    return limiter


def _parsed(body: bytes) -> Any:
    text = body.decode(json.detect_encoding(body), "surrogatepass")
    _require_bounded(text)
    value = json.loads(text)
    errors = too_many_names(value)
    if errors:
        refusal = InvalidRequest(f"The body has more than {MOST_NAMES} fields.", errors=errors)
        raise RefusedWhileReading(refusal)
    return value


def too_many_names(value: object) -> list[dict[str, str]]:
    """Return an error for each of an object's first names, if it has more than a model may."""
    if not isinstance(value, dict) or len(value) <= MOST_NAMES:
        return []
    message = f"is one of more than {MOST_NAMES} fields"
    errors = [
        {"type": "", "loc": ("body", name), "msg": message} for name in islice(value, MOST_ERRORS)
    ]
    return field_errors(errors)


def _require_bounded(text: str) -> None:
    if text.count("[") + text.count("{") <= DEEPEST and text.count(",") < MOST_VALUES // 2:
        return
    bare = without_strings(text)
    has_too_many = value_count(bare) > MOST_VALUES
    if _is_deep(bare, looking_at=_FEW if has_too_many else 2 * MOST_VALUES):
        deep = InvalidRequest(f"The body is nested deeper than {DEEPEST}.")
        raise RefusedWhileReading(deep)
    if has_too_many:
        detail = f"The body has more than {MOST_VALUES} values. Send it in parts."
        raise RefusedWhileReading(TooLarge(detail))


def without_strings(text: str) -> str:
    """Return JSON without its texts and names, in which brackets and commas mean nothing."""
    return _STRING.sub("", text)


def value_count(text: str) -> int:
    """Return at least how many values there are in JSON, counted without parsing it."""
    return text.count(",") + text.count("[") + text.count("{")


def _is_deep(bare: str, looking_at: int) -> bool:
    depth = 0
    for bracket in islice(_BRACKET.finditer(bare), looking_at):
        depth += -1 if bracket[1] else 1
        if depth > DEEPEST:
            return True
    return False
