"""The items of a batch as they are written: a JSON array, or a line of JSON each.

Read one by one. A parser given the whole body would hold Python's lock until it is through, and no
other request would be served meanwhile.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from json.decoder import WHITESPACE  # type: ignore[attr-defined] # what the decoder itself skips
from typing import Any, TypeVar

from shared_web.problems import InvalidRequest, TooLarge, WrongMediaType

T = TypeVar("T")

MOST_ITEMS = 10_000
NDJSON = "application/x-ndjson"

_DECODER = json.JSONDecoder()
_SPACES = frozenset(" \t\n\r")


@dataclass(frozen=True)
class Broken:
    """An item that could not even be read, and why."""

    why: str


def items_of(body: bytes, media_type: str) -> list[Any]:
    """Return the items of a body of that type; a line that is not JSON comes as `Broken`.

    Raises:
        WrongMediaType: the body is called neither JSON nor NDJSON.
        InvalidRequest: it is no JSON array, or has no items.
        TooLarge: more than `MOST_ITEMS` items.

    """
    items = bounded(_lines(body) if media_type == NDJSON else _array(body, media_type))
    if not items:
        raise InvalidRequest("The batch has no items.")
    return items


def bounded(items: Iterator[T]) -> list[T]:
    """Return the items if one batch may have so many.

    Raises:
        TooLarge: more than `MOST_ITEMS`.

    """
    taken: list[T] = []
    for item in items:
        if len(taken) == MOST_ITEMS:
            raise TooLarge(f"The batch has too many items; send at most {MOST_ITEMS} at once.")
        taken.append(item)
    return taken


def _array(body: bytes, media_type: str) -> Iterator[Any]:
    if media_type != "application/json":
        raise WrongMediaType(f"Send a JSON array as application/json, or lines as {NDJSON}.")
    try:
        text = body.decode(json.detect_encoding(body), "surrogatepass")
        yield from _values(text)
    except json.JSONDecodeError as failure:
        detail = f"The body is not JSON: look at character {failure.pos}."
        raise InvalidRequest(detail) from failure
    except (ValueError, RecursionError) as failure:
        raise InvalidRequest("The body cannot be read as JSON.") from failure


def _values(text: str) -> Iterator[Any]:
    place = _after_space(text, 0)
    if text[place : place + 1] != "[":
        raise InvalidRequest("The body must be a JSON array.")
    place = _after_space(text, place + 1)
    if text[place : place + 1] == "]":
        return _require_end(text, place + 1)
    while True:
        value, place = _DECODER.raw_decode(text, place)
        yield value
        place = _after_space(text, place)
        if text[place : place + 1] == "]":
            return _require_end(text, place + 1)
        if text[place : place + 1] != ",":
            raise json.JSONDecodeError("Expecting ',' delimiter", text, place)
        place = _after_space(text, place + 1)


def _after_space(text: str, place: int) -> int:
    # There is mostly none, and a look costs a fifth of a match.
    if text[place : place + 1] not in _SPACES:
        return place
    end: int = WHITESPACE.match(text, place).end()
    return end


def _require_end(text: str, place: int) -> None:
    end = _after_space(text, place)
    if end != len(text):
        raise json.JSONDecodeError("Extra data", text, end)


def _lines(body: bytes) -> Iterator[Any]:
    return (_line(line) for line in BytesIO(body) if line.strip())


def _line(line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return Broken("is not JSON")
