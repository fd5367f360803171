"""Invalid bodies: refused with reasons by each service, and not stored."""

import json
import math
import unicodedata
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as some

from tests.support.factories import NOON, days
from tests.support.service_cases import (
    JSON,
    STAFFSTUDDASH,
    WITH_BATCHES,
    Target,
    assert_refused,
    of,
    without_postgresql,
)

NDJSON = {"content-type": "application/x-ndjson"}
# Texts that have broken other programs, and are valid here.
AWKWARD_TEXTS = [
    "'; DROP TABLE students; --",
    "%s %(id)s :id {id} ${id} $1",
    'a"b',
    "🦉 Ünïcödé 漢字",
    "null",
    "Robert\u2019); --",
    "<script>alert(1)<!--",
    "a" * 200,
]


NO_OBJECTS = [
    b"",
    b"{",
    b'{"a": }',
    b'{"a": 1,}',
    b"{'a': 1}",
    b"\xff\xfe\xfd",
    b'{"a": "\xff"}',
    b'{"a": "\x00"}',
    b'{"id": "a"} {"id": "b"}',
    b"[" * 100_000,
    b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    b'{"a": 1' + b"0" * 5000 + b"}",
    b"null",
    b"[]",
    b'"text"',
    b"1e400",
    b"{}",
]
UNKNOWN_FIELDS = ["grade", "", " ", "\ud800", "a\x00b", "__class__", "a" * 10_000, "ID"]
BAD_TEXTS = ["", "a\x00b", "\ud800", "a" * 201, 1, False, [], {}]
BAD_IDS = [
    *BAD_TEXTS, " ", " a", "a ", ".", "..", "a/b", "a\\b", "a\nb", "a\x1b[31m", "\x7f", "\u202eb",
    "\ufeffa", 1.5, True, ["a"], {"a": 1}, math.nan,
]  # fmt: skip
BAD_INSTANTS = [
    "2026-03-02T12:00:00", "2026-03-02", "12:00:00Z", "", "now", "2026-02-30T12:00:00Z",
    "2026-03-02T24:30:00Z", "2026-03-02T12:00:00+99:00", "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00", "0000-01-01T00:00:00Z", "1899-12-31T23:59:59Z",
    "+12026-03-02T12:00:00Z", "2999-01-01T00:00:00Z", "\ud800", "2026-03-02T12:00:00Z\x00",
    1767225600, 1e400, math.nan, True, [], {},
]  # fmt: skip
BAD_SCORES = [-1, math.nan, math.inf, 10**400, 1e-320, "85", True, None, []]


def nested(depth: int) -> dict[str, Any]:
    """Return a JSON object that many levels deep."""
    return {"a": nested(depth - 1)} if depth > 1 else {}


BAD_DATA = [
    {"a": math.nan}, {"a": -math.inf}, {"a": 10**400}, {"a": 10**30}, {"a": 2**63},
    {"a": [-(2**63)]},
    {"a": "\x00"}, {"a\x00": 1}, {"a": ["\ud800"]}, {"\udfff": 1}, nested(21),
    {"a": "x" * 70_000}, [], "text", 1, True,
]  # fmt: skip


def test_the_valid_body_is_stored(target: Target) -> None:
    assert target.post_with().status_code == 201
    assert target.new_rows > 0


@without_postgresql
def test_a_body_that_is_no_json_object_is_refused(
    target: Target, subtests: pytest.Subtests
) -> None:
    for body in NO_OBJECTS:
        with subtests.test(body=body[:20]):
            assert_refused(target.post(body))
    assert target.new_rows == 0


@without_postgresql
def test_a_body_of_another_type_is_refused(target: Target, subtests: pytest.Subtests) -> None:
    body = json.dumps(target.service.body())
    for media_type in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""):
        with subtests.test(media_type=media_type):
            assert_refused(target.post(body, {"content-type": media_type}), 415)
    assert target.new_rows == 0


@without_postgresql
def test_an_unknown_field_is_refused(target: Target, subtests: pytest.Subtests) -> None:
    for name in UNKNOWN_FIELDS:
        with subtests.test(name=ascii(name[:20])):
            answer = target.post_with(**{name: 1})
            assert_refused(answer)
            assert len(answer.json()["errors"]) == 1
    assert target.new_rows == 0


@without_postgresql
def test_an_invalid_id_is_refused(target: Target, subtests: pytest.Subtests) -> None:
    refuses(target, subtests, target.service.id_field, BAD_IDS)


@without_postgresql
def test_a_text_that_cannot_be_stored_is_refused(target: Target, subtests: pytest.Subtests) -> None:
    refuses(target, subtests, target.service.text_field, BAD_TEXTS)


@without_postgresql
def test_an_invalid_instant_is_refused(target: Target, subtests: pytest.Subtests) -> None:
    refuses(target, subtests, target.service.instant_field, BAD_INSTANTS)


@without_postgresql
@of(STAFFSTUDDASH)
def test_an_invalid_score_is_refused(target: Target, subtests: pytest.Subtests) -> None:
    refuses(target, subtests, "score", BAD_SCORES)


@without_postgresql
@of(*WITH_BATCHES)
def test_data_that_cannot_be_stored_are_refused(target: Target, subtests: pytest.Subtests) -> None:
    refuses(target, subtests, "data", BAD_DATA)


def refuses(
    target: Target, subtests: pytest.Subtests, field: str, values: Sequence[object]
) -> None:
    for value in values:
        with subtests.test(value=ascii(value)[:30]):
            assert_refused(target.post_with(**{field: value}), field=field)
    assert target.new_rows == 0


@of(*WITH_BATCHES)
def test_an_invalid_item_affects_no_other_of_its_batch(
    target: Target, subtests: pytest.Subtests
) -> None:
    good = json.dumps(target.service.body(**{target.service.id_field: "good"}))
    target.post_batch(f"[{good}]")
    for data in BAD_DATA:
        bad = json.dumps(target.service.body(data=data))
        for body, headers in ((f"[{bad}, {good}]", JSON), (f"{bad}\n{good}", NDJSON)):
            with subtests.test(data=ascii(data)[:30], headers=headers):
                first, second = target.post_batch(body, headers).json()["items"]
                assert first["outcome"] == "refused"
                assert [error["field"] for error in first["errors"]] == ["data"]
                assert second["outcome"] == "repeated"


def test_an_unusual_text_is_returned_unchanged(target: Target, subtests: pytest.Subtests) -> None:
    field = target.service.text_field
    for number, text in enumerate(AWKWARD_TEXTS):
        with subtests.test(text=ascii(text)):
            id_ = f"{number} {text}"[:200]
            stored = target.post_with(**{field: text, target.service.id_field: id_})
            assert stored.status_code == 201
            assert (stored.json()[field], stored.json()[target.service.id_field]) == (text, id_)
            assert stored.json() in target.listed()


TEXTS = some.text(
    some.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20
).map(partial(unicodedata.normalize, "NFC"))
NUMBERS = some.integers(-(2**63) + 1, 2**63 - 1) | some.floats(
    allow_nan=False, allow_infinity=False
)
VALUES = some.recursive(
    some.none() | some.booleans() | NUMBERS | TEXTS,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@of(*WITH_BATCHES)
@given(data=some.dictionaries(TEXTS, VALUES, max_size=4))
@example(data={"a": [2**63 - 1, 1e308, 5e-324, 1e22, 0.1, -0.0], "": nested(18)})
@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_data_are_returned_unchanged(target: Target, data: dict[str, Any]) -> None:
    answer = target.post_with(**{"data": data, target.service.id_field: None})

    assert answer.status_code == 201
    assert answer.json()["data"] == data


@of(*WITH_BATCHES)
def test_the_last_value_of_a_repeated_name_is_stored(target: Target) -> None:
    body = json.dumps(target.service.body(data={"a": "LAST"})).replace('"LAST"', '1, "a": 2')

    assert target.post(body).json()["data"] == {"a": 2}
    assert target.listed()[0]["data"] == {"a": 2}


@without_postgresql
@of(*WITH_BATCHES)
def test_a_body_that_is_no_batch_is_refused(target: Target, subtests: pytest.Subtests) -> None:
    for body in (
        b"",
        b"[]",
        b"{}",
        b"null",
        b"1",
        b"[1",
        b"\xff",
        b"[" * 50_000,
        b"[1" + b"0" * 5000,
    ):
        with subtests.test(body=body[:20]):
            assert_refused(target.post_batch(body))
    for lines in (b"", b"\n", b" \r\n\t\r\n"):
        with subtests.test(lines=lines):
            assert_refused(target.post_batch(lines, NDJSON))
    for media_type in ("text/csv", "", "application/json5", "*/*"):
        with subtests.test(media_type=media_type):
            assert_refused(target.post_batch(b"[{}]", {"content-type": media_type}), 415)
    assert target.new_rows == 0


@without_postgresql
@of(*WITH_BATCHES)
def test_the_refusal_of_another_type_names_the_json_type(target: Target) -> None:
    batch = target.post_batch(b"[0]").json()["items"][0]["errors"]

    for errors in (batch, target.post(b"[]").json()["errors"]):
        assert [error["message"] for error in errors] == ["Input should be a JSON object"]


@without_postgresql
@of(*WITH_BATCHES)
def test_too_many_items_are_refused(target: Target) -> None:
    assert_refused(target.post_batch("[" + "0," * 10_000 + "0]"), 413)
    assert_refused(target.post_batch("0\n" * 10_001, NDJSON), 413)
    assert target.new_rows == 0


@without_postgresql
@of(*WITH_BATCHES)
def test_the_largest_batch_is_answered(target: Target) -> None:
    answer = target.post_batch("[" + "0," * 9_999 + "0]")

    assert answer.status_code == 200
    assert answer.json()["refused"] == len(answer.json()["items"]) == 10_000
    assert target.new_rows == 0


@of(*WITH_BATCHES)
def test_each_line_has_its_own_outcome(target: Target) -> None:
    first, second = (
        json.dumps(target.service.body(**{target.service.id_field: id_})) for id_ in "ab"
    )
    deep = "[" * 50_000
    body = f"{first}\r\n\r\n{{broken\n{deep}\n \n1\nnull\n{{}}\n{second}\n{first}"

    items = target.post_batch(body, NDJSON).json()["items"]

    outcomes = [item["outcome"] for item in items]
    assert outcomes == ["stored", *["refused"] * 5, "stored", "repeated"]
    assert [item["index"] for item in items] == list(range(8))
    assert all(item["errors"] for item in items if item["outcome"] == "refused")


@of(*WITH_BATCHES)
def test_the_same_id_twice_with_other_content_is_stored_once(target: Target) -> None:
    instant = target.service.instant_field
    other = target.service.body(**{instant: (NOON + days(1)).isoformat()})

    items = target.post_batch(json.dumps([target.service.body(), other])).json()["items"]

    assert [item["outcome"] for item in items] == ["stored", "refused"]
    assert target.listed()[0][instant] == "2026-03-02T12:00:00Z"
