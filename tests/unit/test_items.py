"""Items of a batch: parsed one by one, with the result of a parser of the whole body."""

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared_web.problems import InvalidRequest, TooLarge
from shared_web.requests import json_items as shared_items
from shared_web.requests.json_items import MAX_ITEMS, NDJSON, InvalidItem

JSON = "application/json"
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
ITEMS = st.lists(VALUES, min_size=1, max_size=5)
FEW = settings(max_examples=50)


def items_of(body: bytes, media_type: str) -> list[Any]:
    return list(shared_items.items_of(body, media_type))


@FEW
@given(ITEMS, st.sampled_from([None, 2]))
def test_an_array_has_the_items_of_the_whole_body(items: list[Any], indent: int | None) -> None:
    assert items_of(json.dumps(items, indent=indent).encode(), JSON) == items


@FEW
@given(ITEMS)
def test_lines_are_parsed_separately(items: list[Any]) -> None:
    body = "\n".join(["{broken", *map(json.dumps, items)]).encode()

    assert items_of(body, NDJSON) == [InvalidItem("is not JSON"), *items]


@given(st.binary() | st.text(alphabet='[]{}",:1 \nnulltrue').map(str.encode))
def test_the_same_bodies_are_refused_as_by_a_parser(body: bytes) -> None:
    try:
        whole = json.loads(body)
    except ValueError:
        whole = None
    if isinstance(whole, list) and whole:
        assert items_of(body, JSON) == whole
    else:
        with pytest.raises(InvalidRequest):
            items_of(body, JSON)


def test_lines_use_no_memory_before_they_are_parsed() -> None:
    body = b"\n" * 1_000_000 + b"1"
    tracemalloc.start()
    items = items_of(body, NDJSON)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert items == [1]
    # A list of the lines would take eight megabytes; other threads use some memory, too.
    assert peak < 1_000_000


def test_parsing_stops_at_the_first_item_over_the_limit() -> None:
    fits = b"[" + b"0," * (MAX_ITEMS - 1) + b"0"

    assert len(items_of(fits + b"]", JSON)) == MAX_ITEMS
    with pytest.raises(TooLarge):
        items_of(fits + b",0,{broken", JSON)
