"""Limits of the data that the server stores of a request apart from its body."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI, Request

from shared_web.operations.serve import server_options
from shared_web.settings import ServiceSettings
from shared_web.wire.bounded import HEAD_BYTES, MAX_HEADERS, MAX_PIPELINED
from tests.support.limited import ENDLESS
from tests.support.live_services import listening
from tests.support.sockets import SMALLEST, asked, connected

app = FastAPI()


@app.api_route("/{path:path}", methods=["GET", "POST"])
async def echo(request: Request) -> dict[str, Any]:
    """Return the sizes of the request."""
    body = await request.body()
    return {"bytes": len(body), "headers": len(request.headers), "path": request.url.path}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Serve the app."""
    with listening(app, server_options(ServiceSettings())) as port:
        yield port


def _request(*headers: bytes, first: bytes = b"GET / HTTP/1.1") -> bytes:
    return b"\r\n".join([first, b"Host: x", *headers, b"", b""])


@pytest.mark.parametrize(
    "data",
    [
        _request(b"X: " + b"a" * 1_000_000),
        _request(*(b"X-%d: a" % number for number in range(20_000))),
        _request(*(b"X-%d: a" % number for number in range(MAX_HEADERS + 1))),
        _request(first=b"GET /" + b"a" * HEAD_BYTES + b" HTTP/1.1"),
        b"\r\n" * HEAD_BYTES,
    ],
    ids=["a long header", "many headers", "one header too many", "a long path", "empty lines"],
)
def test_a_head_over_the_limit_is_refused(port: int, data: bytes) -> None:
    answer = asked(port, data)

    assert answer.status == 431
    assert answer.problem["type"] == "urn:veritas:problem:headers-too-large"
    assert answer.problem["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["connection"] == "close"


def test_a_head_within_the_limit_is_served(port: int) -> None:
    room = HEAD_BYTES - len(_request(b"X: "))
    whole = _request(b"X: " + b"a" * room)

    with connected(port) as client:
        for data in (whole, whole[:-1], whole[-1:], whole):
            client.send(data)
        answers = [client.read() for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 200]
    many = asked(port, _request(*[b"X: a"] * (MAX_HEADERS - 1)))
    assert many.status == 200


def test_one_byte_more_is_refused(port: int) -> None:
    room = HEAD_BYTES - len(_request(b"X: "))

    answer = asked(port, _request(b"X: " + b"a" * (room + 1)))

    assert answer.status == 431


@pytest.mark.parametrize("name", ENDLESS)
def test_an_endless_head_is_refused(port: int, name: str) -> None:
    start, more = ENDLESS[name]

    with connected(port) as client:
        client.send(start)
        for _ in range(3):
            client.send(more * (HEAD_BYTES // 2 // len(more)))
        answer = client.read()
        assert client.is_closed()

    assert answer.status == 431


def test_a_body_of_small_chunks_is_read(port: int) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"

    answer = asked(port, head + b"1\r\na\r\n" * 100_000 + b"0\r\n\r\n")

    assert answer.status == 200
    assert b'"bytes":100000' in answer.body


def test_a_large_body_is_read_completely(port: int) -> None:
    size = 5_000_000
    head = _request(b"Content-Length: %d" % size, first=b"POST / HTTP/1.1")

    with connected(port) as client:
        answers = [client.send(head + b"a" * size).read() for _ in range(2)]

    assert [b'"bytes":5000000' in answer.body for answer in answers] == [True, True]


def test_a_trailer_is_not_a_header(port: int) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"

    answer = asked(port, head + b"1\r\na\r\n0\r\nX-Forwarded-For: 192.0.2.9\r\n\r\n")

    assert b'"headers":2' in answer.body


class TestPipelined:
    """Requests that are sent before others are answered."""

    def test_are_answered_in_order(self, port: int) -> None:
        requests = [b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(10)]

        with connected(port) as client:
            client.send(b"".join(requests))
            answers = [client.read() for _ in requests]

        for number, answer in enumerate(answers):
            assert b'"path":"/%d"' % number in answer.body

    def test_may_have_bodies_longer_than_the_buffer(self, port: int) -> None:
        size = 1_000_000
        post = _request(b"Content-Length: %d" % size, first=b"POST / HTTP/1.1") + b"a" * size

        with connected(port) as client:
            client.send(SMALLEST + post + SMALLEST + post)
            answers = [client.read() for _ in range(4)]

        sizes = [b'"bytes":%d' % size in answer.body for answer in answers]
        assert sizes == [False, True, False, True]

    def test_over_the_limit_close_the_connection_after_the_others(self, port: int) -> None:
        with connected(port) as client:
            client.send(SMALLEST * (MAX_PIPELINED + 10))
            answers = [client.read() for _ in range(MAX_PIPELINED + 2)]

        assert [answer.status for answer in answers] == [200] * (MAX_PIPELINED + 1) + [0]
        assert answers[-2].headers["connection"] == "close"

    def test_with_a_long_head_are_refused_after_the_response_to_another(self, port: int) -> None:
        with connected(port) as client:
            client.send(SMALLEST + _request(b"X: " + b"a" * 100_000))
            answers = [client.read(), client.read()]

        assert answers[0] is not None
        assert answers[0].status == 200
        assert answers[1].status in {0, 431}


def test_bytes_other_than_http_are_refused(port: int) -> None:
    answer = asked(port, b"hello\r\n\r\n")

    assert answer.status == 400
    assert answer.problem["type"] == "urn:veritas:problem:malformed-request"


def test_the_body_of_an_upgrade_request_is_not_a_request(port: int) -> None:
    head = _request(
        b"Connection: Upgrade",
        b"Upgrade: h2c",
        b"Content-Length: %d" % len(SMALLEST),
        first=b"POST / HTTP/1.1",
    )

    with connected(port) as client:
        first = client.send(head + SMALLEST).read()
        assert client.is_closed()

    assert first.headers["connection"] == "close"
