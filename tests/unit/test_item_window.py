"""Window of items: neither a long item nor many values are parsed as a whole."""

import json
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_web.problems import InvalidRequest, TooLarge
from shared_web.requests import item_window
from shared_web.requests import json_items as items
from shared_web.requests.batches import validate_items
from shared_web.requests.json_items import NDJSON, InvalidItem, items_of
from staffstuddash_service.schemas.students import NewStudent

JSON = "application/json"
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32-be")
LONGEST = item_window.MAX_ITEM_BYTES
ANYTHING = st.text('aé€\U0001f989"\\ ', max_size=9) | st.lists(st.integers(), max_size=4)


@contextmanager
def small_window() -> Iterator[None]:
    """Reduce the sizes of items and pieces, so that the window moves in short bodies as well."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(item_window, "MAX_ITEM_BYTES", 120)
        patch.setattr(item_window, "_PIECE_BYTES", 7)
        yield


@given(
    st.lists(ANYTHING | st.booleans() | st.floats(allow_nan=False), min_size=1, max_size=40),
    st.sampled_from([None, 0, 3, 130]),
    st.sampled_from(ENCODINGS),
    st.booleans(),
)
def test_a_moving_window_returns_the_items_sent(
    sent: list[Any], indent: int | None, encoding: str, is_ascii: bool
) -> None:
    body = json.dumps(sent, indent=indent, ensure_ascii=is_ascii).encode(encoding)

    with small_window():
        # White space in an item counts, so it may be too long.
        try:
            assert list(items_of(body, JSON)) == sent
        except TooLarge:
            assert indent == 130


@given(st.integers(0, 400), st.sampled_from(["[", "]", '"', ",", "x", "\\", "", "\x00"]))
def test_a_body_with_an_error_is_refused(place: int, broken: str) -> None:
    good = json.dumps([{"a": "text", "b": [1, 2]}, -1.5e10, None, "b"] * 10)
    body = good[:place] + broken + good[place + 1 :]
    with small_window():
        try:
            wanted = json.loads(body)
        except ValueError:
            with pytest.raises((InvalidRequest, TooLarge)):
                list(items_of(body.encode(), JSON))
        else:
            assert list(items_of(body.encode(), JSON)) == wanted


def test_the_place_of_an_error_is_its_place_in_the_body() -> None:
    body = b"[" + b'"' + b"a" * 200_000 + b'", ' + b" " * 900_000 + b"{x}]"

    with pytest.raises(InvalidRequest, match=f"character {body.index(b'x')}"):
        list(items_of(body, JSON))


LONG_ITEMS: dict[str, Callable[[int], bytes]] = {
    "text": lambda size: b'"' + b"a" * (size - 2) + b'"',
    "number": lambda size: b"1." + b"0" * (size - 3) + b"1",
    "lists": lambda size: b"[" + b"[]," * ((size - 3) // 3) + b"1" * ((size - 3) % 3 + 1) + b"]",
    "bytes": lambda size: b'"' + "é".encode() * ((size - 2) // 2) + b"a" * (size % 2) + b'"',
}


@pytest.mark.parametrize("item", LONG_ITEMS.values(), ids=LONG_ITEMS)
@pytest.mark.parametrize("after", [0, 3 * LONGEST])
def test_an_item_has_a_limit_of_bytes(item: Callable[[int], bytes], after: int) -> None:
    fits, too_long = item(LONGEST), item(LONGEST + 1)
    rest = b"," + b" " * after + b"1"
    assert len(fits) == LONGEST

    assert len(list(items_of(b"[1," + fits + rest + b"]", JSON))) == 3
    with pytest.raises(TooLarge, match="item is longer"):
        list(items_of(b"[1," + too_long + rest + b"]", JSON))


def test_a_line_that_is_too_long_affects_no_other() -> None:
    body = b"1\n" + LONG_ITEMS["lists"](LONGEST + 1) + b"\n2\n"

    assert list(items_of(body, NDJSON)) == [1, InvalidItem(f"is longer than {LONGEST} bytes"), 2]


def test_an_endless_item_uses_no_memory() -> None:
    body = b"[[" + b"[]," * 2_000_000 + b"[]]]"

    def read() -> None:
        with pytest.raises(TooLarge):
            list(items_of(body, JSON))

    assert peak(read) < 30_000_000


@pytest.mark.parametrize("media_type", [JSON, NDJSON])
def test_a_batch_has_a_limit_of_values(media_type: str) -> None:
    item = json.dumps([0] * 998 + ["[,{" * 10])

    def batch(count: int) -> bytes:
        lines = "\n".join if media_type == NDJSON else lambda all_: f"[{','.join(all_)}]"
        return lines([item] * count).encode()

    assert items.MAX_VALUES == 1000 * 1000
    assert sum(1 for _ in items_of(batch(999), media_type)) == 999
    with pytest.raises(TooLarge, match="values"):
        list(items_of(batch(1003), media_type))


@pytest.mark.parametrize("media_type", [JSON, NDJSON])
def test_refused_items_use_no_memory(media_type: str) -> None:
    many = json.dumps({"name": [[]] * 20_000})
    body = f"[{','.join([many] * 8)}]" if media_type == JSON else "\n".join([many] * 8)

    def read() -> None:
        assert len(validate_items(items_of(body.encode(), media_type), NewStudent).refused) == 8

    assert peak(read) < 8_000_000


def test_the_reasons_of_all_refused_items_are_limited() -> None:
    unknown = {f"a{n}": 1 for n in range(30)}

    refused = validate_items([unknown] * 1500, NewStudent).refused

    assert len(refused) == 1500
    assert len(refused[0]) == 20
    assert len(refused[1499]) == 1
    assert sum(map(len, refused.values())) < 25_000


def test_an_object_with_too_many_names_is_refused_with_the_first_names() -> None:
    wide = {f"a{n}": 1 for n in range(40_000)}

    [reasons] = validate_items([wide], NewStudent).refused.values()

    assert [reason["field"] for reason in reasons] == [f"a{n}" for n in range(20)]


def peak(work: Callable[[], object]) -> int:
    tracemalloc.start()
    work()
    _, used = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return used
