"""Invalid paths, parameters, cursors, headers and encodings, for each service."""

import base64
import gzip
import json
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.service_cases import (
    JSON,
    MAX_BODY_BYTES,
    STAFFSTUDDASH,
    WITH_BATCHES,
    Target,
    assert_refused,
    of,
    without_postgresql,
)

GZIP = {**JSON, "content-encoding": "gzip"}


def cursor(value: object) -> str:
    """Return the value in the format of a cursor."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def forged_cursors(name: str) -> Iterator[str]:
    """Yield cursors that a client could forge."""
    instant = "2026-03-02T12:00:00+00:00"
    places: tuple[list[Any], ...] = (
        [], [instant], [instant, "a", "b"], ["a", "b"], [None, None], [1, "a"], [True, "a"],
        [1e308, "a"], [float("nan"), "a"], [float("inf"), "a"], [10**400, "a"], [[instant], "a"],
        [{}, {}], [instant, 1], [instant, True], [instant, None], [instant, ["a"]],
        [instant, "a\x00"], [instant, "\ud800"], ["2026-03-02T12:00:00", "a"], ["2026-03-02", "a"],
        ["0001-01-01T00:00:00+14:00", "a"], ["9999-12-31T23:59:59-14:00", "a"], ["", ""],
    )  # fmt: skip
    yield from (cursor([name, *place]) for place in places)
    for other in ("students", "", None, 1, [name], name.upper()):
        yield cursor([other, instant, "a"])
    others: tuple[Any, ...] = ({}, {name: 1}, name, None, 1, [[[]]], True, f"{name}ab")
    yield from map(cursor, others)
    yield cursor([name, instant, "a"])[:-2]
    yield from ("", "!", "a", "aaaa", "\x00", "\u00e9", "🦉", "../..", "a" * 2001, "' OR 1=1 --")
    yield base64.urlsafe_b64encode(b"[" * 1400).decode()
    yield base64.urlsafe_b64encode(b"[" + b"1" * 1400 + b"]").decode()
    yield base64.urlsafe_b64encode(b"\xff\xfe").decode()


@without_postgresql
def test_a_forged_cursor_is_refused(target: Target, subtests: pytest.Subtests) -> None:
    for after in forged_cursors(target.service.list_name):
        with subtests.test(after=ascii(after)[:60]):
            answer = target.client.get(target.service.listing, params={"after": after})
            assert_refused(answer)
            assert "after" in answer.text


def test_a_cursor_may_point_to_the_ends_of_time(target: Target) -> None:
    target.post_with()
    for instant, has_older in (("0001-01-01T00:00:00Z", False), ("9999-12-31T23:59:59Z", True)):
        after = cursor([target.service.list_name, instant, "'; DROP TABLE students; --"])
        page = target.client.get(target.service.listing, params={"after": after}).json()
        assert bool(page["items"]) == has_older


@without_postgresql
def test_an_invalid_limit_is_refused(target: Target, subtests: pytest.Subtests) -> None:
    limits = (
        "0",
        "-1",
        "1001",
        "1000000000",
        "1" + "0" * 400,
        "",
        "a",
        "1.5",
        "1e2",
        "NaN",
        "\x00",
    )
    for limit in limits:
        with subtests.test(limit=ascii(limit)[:20]):
            answer = target.client.get(target.service.listing, params={"limit": limit})
            assert_refused(answer, field="limit")


BAD_PATHS = {
    "a%00b": 422,
    "%0a": 422,
    "%20": 422,
    "%2e%2e": 422,
    "a%5cb": 422,
    "%E2%80%AEb": 422,
    "a" * 201: 422,
    "a%2fb": 404,
    "": 404,
    "%ff%fe": 404,
    "nobody": 404,
    "'%20OR%201=1%20--": 404,
    "%25s": 404,
}


@without_postgresql
def test_an_id_in_a_path_is_validated(target: Target, subtests: pytest.Subtests) -> None:
    head, tail = target.service.one
    for id_, status in BAD_PATHS.items():
        with subtests.test(id=id_[:20]):
            assert_refused(target.client.get(f"{head}{id_}{tail}"), status)


@without_postgresql
def test_no_route_is_found_by_accident(target: Target, subtests: pytest.Subtests) -> None:
    route = target.service.route
    for path in (f"{route}/", f"/{route}", route.upper(), f"{route}%00", f"/x{route}", "/%ff"):
        with subtests.test(path=path):
            assert_refused(target.client.get(path), 404)


@without_postgresql
def test_the_refusal_of_a_method_names_the_allowed_ones(target: Target) -> None:
    answer = target.client.request("FOO", target.service.listing)

    assert_refused(answer, 405)
    assert "GET" in answer.headers["Allow"]


@without_postgresql
@of(STAFFSTUDDASH)
def test_the_allowed_methods_are_those_of_all_routes_of_the_path(target: Target) -> None:
    assert target.client.delete("/api/v1/students").headers["Allow"] == "GET, HEAD, POST"


@without_postgresql
def test_an_invalid_idempotency_key_is_refused(target: Target, subtests: pytest.Subtests) -> None:
    body = json.dumps(target.service.body(**{target.service.id_field: None}))
    for key in (b"", b" ", b"a b", b"\xff", "ключ".encode(), b"a" * 201, b"a\x00", b"\x7f"):
        with subtests.test(key=key[:20]):
            headers = {b"Content-Type": b"application/json", b"Idempotency-Key": key}
            answer = target.client.post(target.service.route, content=body, headers=headers)
            assert_refused(answer, field="Idempotency-Key")
    assert target.new_rows == 0


@of(*WITH_BATCHES)
def test_an_event_without_id_is_named_by_its_idempotency_key(target: Target) -> None:
    id_ = target.service.id_field
    unnamed = json.dumps(target.service.body(**{id_: None}))
    headers = {**JSON, "idempotency-key": "same"}

    first, again = target.post(unnamed, headers), target.post(unnamed, headers)

    assert first.json() == again.json()
    assert "idempotent-replay" not in first.headers
    assert again.headers["idempotent-replay"] == "true"
    assert target.listed()[0][id_] == first.json()[id_]


@without_postgresql
def test_an_unknown_parameter_is_refused_on_a_route_with_a_body(target: Target) -> None:
    answer = target.client.post(f"{target.service.route}?a=1", json=target.service.body())

    assert_refused(answer, field="a")
    assert target.new_rows == 0


@without_postgresql
def test_a_request_id_cannot_add_a_header_or_a_log_line(
    target: Target, subtests: pytest.Subtests
) -> None:
    for forged in (b"a\r\nSet-Cookie: b=c", b"a\nb", b'{"a": 1}', b"\xff", b"a" * 101, b"", b" "):
        with subtests.test(forged=forged[:20]):
            answer = target.client.get("/livez", headers={b"X-Request-ID": forged})
            assert len(answer.headers["X-Request-ID"]) == 36
            assert "set-cookie" not in answer.headers


def test_unusual_headers_are_ignored(target: Target, subtests: pytest.Subtests) -> None:
    odd: list[list[tuple[str, Any]]] = [
        [("Authorization", "Bearer a"), ("Authorization", "Bearer b")],
        [("Authorization", b"Bearer \xff\xfe")],
        [("Authorization", "Basic YTpi")],
        [("Authorization", "")],
        [("Accept", "application/xml")],
        [("Accept", b"\xff")],
        [("Content-Type", "application/json; charset=nonsense")],
        [("Content-Length", "abc")],
        [("Range", "bytes=0-0")],
        [("If-None-Match", "*")],
    ]
    for headers in odd:
        with subtests.test(headers=headers):
            assert target.client.get(target.service.listing, headers=headers).status_code == 200


@without_postgresql
def test_a_body_over_the_limit_is_refused_in_every_encoding(target: Target) -> None:
    long = json.dumps(target.service.body()).encode().ljust(MAX_BODY_BYTES + 1)
    just_fits = long[:MAX_BODY_BYTES]
    pieces = [long[start : start + 1000] for start in range(0, len(long), 1000)]

    assert f"{MAX_BODY_BYTES} bytes" in target.post(long).json()["detail"]
    assert_refused(target.post(long), 413)
    assert_refused(target.post(iter(pieces)), 413)
    assert_refused(target.post(b"{}", {**JSON, "Content-Length": "9" * 5000}), 413)
    assert_refused(target.post(gzip.compress(long), GZIP), 413)
    assert_refused(target.post(gzip.compress(bytes(50_000_000)), GZIP), 413)
    assert target.new_rows == 0
    assert target.post(gzip.compress(just_fits), GZIP).status_code == 201


def broken_gzips(good: bytes) -> Iterator[bytes]:
    """Yield data that are not one complete gzip file."""
    yield b""
    yield b"no gzip"
    yield good[:5]
    yield good[:-1]
    yield good[:-8]
    yield b"\x1f\x8b" + b"\xff" * 30
    yield good[:-8] + bytes(4) + good[-4:]  # wrong checksum
    yield good[:-4] + bytes(4)  # wrong length
    yield good + b"rest"
    yield good + good
    yield zlib.compress(gzip.decompress(good))


@without_postgresql
def test_invalid_gzip_is_refused(target: Target, subtests: pytest.Subtests) -> None:
    good = gzip.compress(json.dumps(target.service.body()).encode())
    for number, broken in enumerate(broken_gzips(good)):
        with subtests.test(number=number):
            assert_refused(target.post(broken, GZIP), 400)
        with subtests.test(number=number, form="in pieces"):
            assert_refused(target.post(iter([broken[:7], broken[7:]]), GZIP), 400)
    assert target.new_rows == 0
    assert target.post(iter([good[:7], good[7:]]), GZIP).status_code == 201


@without_postgresql
def test_another_encoding_is_refused(target: Target, subtests: pytest.Subtests) -> None:
    for encoding in ("br", "deflate", "gzip, gzip", "identity, gzip", "*", "g\x00zip"):
        with subtests.test(encoding=encoding):
            assert_refused(target.post(b"{}", {**JSON, "content-encoding": encoding}), 415)


def test_half_a_body_of_a_disconnected_client_is_not_stored(target: Target) -> None:
    for route in (target.service.route, f"{target.service.route}/batch"):
        status = half_a_body(target, route)
        assert status in {400, 404}
    assert target.new_rows == 0


def half_a_body(target: Target, route: str) -> int:
    """Call the app with half a body and a disconnect, and return the status of the answer."""
    messages = iter(
        [
            {"type": "http.request", "body": b"[{", "more_body": True},
            {"type": "http.disconnect"},
        ]
    )
    scope = {
        "type": "http",
        "method": "POST",
        "path": route,
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 80),
        "scheme": "http",
    }
    statuses: list[int] = []

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    assert target.client.portal is not None
    target.client.portal.call(target.client.app, scope, receive, send)
    return statuses[0]
