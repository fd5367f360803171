"""Items of a batch: a JSON array, or one line of JSON per item, parsed one by one.

A parser of the whole body would hold the GIL until its end, so that no other request is served, and
all items would be in memory at once.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from shared_web.problems import InvalidRequest, TooLarge, WrongMediaType
from shared_web.requests.item_window import MAX_ITEM_BYTES, ItemWindow
from shared_web.requests.json_bodies import value_count, without_strings

T = TypeVar("T")
Bytes = bytes | bytearray

MAX_ITEMS = 10_000
# Limit of all items together: each is a Python object until it is stored.
MAX_VALUES = 1_000_000
NDJSON = "application/x-ndjson"


@dataclass(frozen=True)
class InvalidItem:
    """Item that cannot be parsed, and the reason."""

    why: str


def items_of(body: Bytes, media_type: str) -> Iterator[Any]:
    """Return the items of a body; a line that is not JSON becomes an `InvalidItem`.

    Raises:
        WrongMediaType: the Content-Type is neither JSON nor NDJSON.
        InvalidRequest: the body is no JSON array, or has no items.
        TooLarge: the body has more than `MAX_ITEMS` items or `MAX_VALUES` values, or is an array
            with an item longer than `MAX_ITEM_BYTES`.

    """
    items = _lines(body) if media_type == NDJSON else _array(body, media_type)
    return bounded(items, "The batch has no items.")


def bounded(items: Iterable[T], if_none: str) -> Iterator[T]:
    """Yield the items of one batch.

    Raises:
        TooLarge: there are more than `MAX_ITEMS`.
        InvalidRequest: there are no items.

    """
    count = 0
    for item in items:
        count += 1
        if count > MAX_ITEMS:
            raise TooLarge(f"The batch has too many items; send at most {MAX_ITEMS} at once.")
        yield item
    if not count:
        raise InvalidRequest(if_none)


class _Values:
    """Counter of the values of a batch, used if the whole body may have too many."""

    def __init__(self, body: Bytes) -> None:
        at_most = sum(body.count(mark) for mark in (b",", b"[", b"{"))
        self.may_be_too_many = at_most > MAX_VALUES
        self._count = 0

    def add(self, text: str) -> None:
        """Count the values of some complete items.

        Raises:
            TooLarge: there are more than `MAX_VALUES`.

        """
        self._count += value_count(without_strings(text))
        if self._count > MAX_VALUES:
            raise TooLarge(f"The batch has more than {MAX_VALUES} values. Send it in parts.")


def _array(body: Bytes, media_type: str) -> Iterator[Any]:
    if media_type != "application/json":
        raise WrongMediaType(f"Send a JSON array as application/json, or lines as {NDJSON}.")
    values = _Values(body)
    window = ItemWindow(body, values.add if values.may_be_too_many else None)
    try:
        yield from _items(window)
    except json.JSONDecodeError as failure:
        detail = f"The body is not JSON: look at character {window.start + failure.pos}."
        raise InvalidRequest(detail) from failure
    except (ValueError, RecursionError) as failure:
        raise InvalidRequest("The body cannot be read as JSON.") from failure


def _items(window: ItemWindow) -> Iterator[Any]:
    place = window.skip_whitespace(0)
    if window.text[place : place + 1] != "[":
        raise InvalidRequest("The body must be a JSON array.")
    place = window.skip_whitespace(place + 1)
    if window.text[place : place + 1] == "]":
        return window.require_end(place + 1)
    while True:
        value, place = window.item(place)
        yield value
        if window.text[place : place + 1] != ",":
            place = window.skip_whitespace(place)
            if window.text[place : place + 1] == "]":
                return window.require_end(place + 1)
            if window.text[place : place + 1] != ",":
                raise json.JSONDecodeError("Expecting ',' delimiter", window.text, place)
        place += 1


def _lines(body: Bytes) -> Iterator[Any]:
    values = _Values(body)
    end = 0
    while end < len(body):
        start, end = end, body.find(b"\n", end) + 1 or len(body)
        if end - start > MAX_ITEM_BYTES:
            yield InvalidItem(f"is longer than {MAX_ITEM_BYTES} bytes")
            continue
        line = body[start:end]
        if line.isspace():
            continue
        if values.may_be_too_many:
            values.add(line.decode(errors="replace"))
        yield _line(line)


def _line(line: Bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return InvalidItem("is not JSON")
