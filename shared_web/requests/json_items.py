"""The items of a batch as they are written: a JSON array, or a line of JSON each.

Read one by one. A parser given the whole body would hold Python's lock until it is through, and no
other request would be served meanwhile; and all that it made would be in memory at once.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from shared_web.problems import InvalidRequest, TooLarge, WrongMediaType
from shared_web.requests.item_window import LONGEST_ITEM, ItemWindow
from shared_web.requests.json_bodies import value_count, without_strings

T = TypeVar("T")
Bytes = bytes | bytearray

MOST_ITEMS = 10_000
# Of all items together, each of which is an object of Python's for a moment or until it is stored.
MOST_VALUES = 1_000_000
NDJSON = "application/x-ndjson"


@dataclass(frozen=True)
class InvalidItem:
    """An item that could not even be read, and why."""

    why: str


def items_of(body: Bytes, media_type: str) -> Iterator[Any]:
    """Return the items of a body of that type; a line that is not JSON comes as `InvalidItem`.

    Raises:
        WrongMediaType: the body is called neither JSON nor NDJSON.
        InvalidRequest: it is no JSON array, or has no items.
        TooLarge: more than `MOST_ITEMS` items or `MOST_VALUES` values, or in an array an item
            longer than `LONGEST_ITEM`.

    """
    items = _lines(body) if media_type == NDJSON else _array(body, media_type)
    return bounded(items, "The batch has no items.")


def bounded(items: Iterable[T], if_none: str) -> Iterator[T]:
    """Yield the items as long as one batch may have so many.

    Raises:
        TooLarge: more than `MOST_ITEMS`.
        InvalidRequest: there are none.

    """
    count = 0
    for item in items:
        count += 1
        if count > MOST_ITEMS:
            raise TooLarge(f"The batch has too many items; send at most {MOST_ITEMS} at once.")
        yield item
    if not count:
        raise InvalidRequest(if_none)


class _Values:
    """Counts the values of a batch, where the whole body may have too many."""

    def __init__(self, body: Bytes) -> None:
        at_most = sum(body.count(mark) for mark in (b",", b"[", b"{"))
        self.may_be_too_many = at_most > MOST_VALUES
        self._count = 0

    def add(self, text: str) -> None:
        """Count those of some whole items.

        Raises:
            TooLarge: more than `MOST_VALUES` have come.

        """
        self._count += value_count(without_strings(text))
        if self._count > MOST_VALUES:
            raise TooLarge(f"The batch has more than {MOST_VALUES} values. Send it in parts.")


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
    place = window.after_space(0)
    if window.text[place : place + 1] != "[":
        raise InvalidRequest("The body must be a JSON array.")
    place = window.after_space(place + 1)
    if window.text[place : place + 1] == "]":
        return window.require_end(place + 1)
    while True:
        value, place = window.item(place)
        yield value
        if window.text[place : place + 1] != ",":
            place = window.after_space(place)
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
        if end - start > LONGEST_ITEM:
            yield InvalidItem(f"is longer than {LONGEST_ITEM} bytes")
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
