"""Limits of time and number: slow clients, idle ones, and too many."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from fastapi import FastAPI, Request, Response

from shared_web.connections import Connections, Limits
from shared_web.protocol import LimitedProtocol
from shared_web.serve import limits_of, server_options
from shared_web.settings import ServiceSettings
from tests.live_services import listening
from tests.sockets import SMALLEST, Answer, Client, asked, connected

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n"

app = FastAPI()


@app.post("/")
async def read(request: Request) -> int:
    """Read the body."""
    return len(await request.body())


@app.post("/unread")
async def leave() -> Response:
    """Answer without reading the body."""
    return Response("no", status_code=401)


@app.get("/large")
async def large() -> Response:
    """Answer with more than any buffer holds."""
    return Response(b"a" * 50_000_000)


@app.get("/")
async def client(request: Request, seconds: float = 0) -> dict[str, Any]:
    """Tell the address that the request counts as."""
    await asyncio.sleep(seconds)
    assert request.client
    return {"client": request.client.host}


@contextmanager
def serving(settings: ServiceSettings | None = None, **limits: Any) -> Iterator[int]:
    """Serve the app with these limits; give the port."""
    options = server_options(settings or ServiceSettings())
    wanted = replace(limits_of(settings or ServiceSettings()), **limits)
    options["http"] = partial(LimitedProtocol, connections=Connections(wanted))
    with listening(app, options) as port:
        yield port


def _get(port: int, *headers: bytes) -> Answer:
    answer = asked(port, b"\r\n".join([b"GET / HTTP/1.1", b"Host: x", *headers, b"", b""]))
    assert answer is not None
    return answer


class TestSlow:
    """Clients that keep the server waiting."""

    def test_headers_end_the_connection(self) -> None:
        with serving(ServiceSettings(header_seconds=0.2)) as port, connected(port) as client:
            client.send(SMALLEST).read()
            client.send(b"GET / HTTP/1.1\r\nHost: ")
            answer = client.read()
            assert client.is_closed()

        assert answer is not None
        assert answer.status == 408
        assert answer.problem["type"] == "urn:veritas:problem:request-too-slow"

    def test_opening_without_a_byte_ends_it_in_silence(self) -> None:
        with serving(ServiceSettings(header_seconds=0.2)) as port, connected(port) as client:
            assert client.is_closed()

    def test_bodies_end_it(self) -> None:
        with serving(body_seconds=0.2) as port, connected(port) as client:
            answer = client.send(HEAD + b"\r\n" + b"a" * 1000).read()
            assert client.is_closed()

        assert answer is not None
        assert answer.status == 408

    def test_bodies_that_go_on_are_read(self) -> None:
        settings = ServiceSettings(min_bytes_per_second=1000)
        with serving(settings, body_seconds=2) as port, connected(port) as client:
            client.send(HEAD.replace(b"1000000", b"24000") + b"\r\n")
            for _ in range(12):
                time.sleep(0.25)
                client.send(b"a" * 2000)
            answer = client.read()

        assert answer is not None
        assert answer.body == b"24000"

    def test_a_body_is_not_waited_for_before_it_may_come(self) -> None:
        app_waits = b"POST /?seconds=0 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
        with serving(body_seconds=0.2) as port, connected(port) as client:
            client.send(app_waits + b"Expect: 100-continue\r\n\r\n")
            assert client.connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
            answer = client.send(b"abc").read()

        assert answer is not None
        assert answer.body == b"3"

    def test_what_is_not_read_ends_it(self) -> None:
        with serving(answer_seconds=0.2) as port, connected(port) as client:
            client.send(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(4)  # the buffers of both sides are full, and nothing is taken from them
            with pytest.raises((ConnectionResetError, AssertionError)):
                assert _received(client) > 50_000_000

    def test_what_is_read_comes_whole(self) -> None:
        with serving(answer_seconds=0.2) as port:
            answer = asked(port, b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")

        assert answer is not None
        assert len(answer.body) == 50_000_000


def _received(client: Client) -> int:
    received = 0
    while data := client.connection.recv(1_000_000):
        received += len(data)
    return received


class TestIdle:
    """Connections without a request."""

    def test_are_kept_between_requests(self) -> None:
        with serving(header_seconds=0.2) as port, connected(port) as client:
            first = client.send(SMALLEST).read()
            time.sleep(2.5)  # twice looked at by the server
            second = client.send(SMALLEST).read()

        assert [answer and answer.status for answer in (first, second)] == [200, 200]

    def test_are_closed_after_their_time(self) -> None:
        with serving(ServiceSettings(keep_alive_seconds=0.2)) as port, connected(port) as client:
            assert client.send(SMALLEST).read() is not None
            assert client.is_closed()

    def test_wait_longer_than_those_of_a_usual_proxy(self) -> None:
        assert limits_of(ServiceSettings()).keep_alive_seconds > 60

    def test_are_idle_too_when_answered_before_the_body_came(self) -> None:
        post = b"POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
        with serving(keep_alive_seconds=0.2) as port, connected(port) as client:
            assert client.send(post).read() is not None
            assert client.send(b"abcde" + SMALLEST).read() is not None
            assert client.is_closed()


class TestAnsweredEarly:
    """Bodies of requests that are answered already."""

    START = b"POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n"

    def test_are_not_waited_for(self) -> None:
        with serving(drain_seconds=0.2) as port, connected(port) as client:
            answer = client.send(self.START).read()
            assert client.is_closed()

        assert answer is not None
        assert answer.status == 401

    def test_are_not_read_for_ever(self) -> None:
        with serving(drain_bytes=100_000) as port, connected(port) as client:
            client.send(self.START).read()
            with pytest.raises((BrokenPipeError, ConnectionResetError)):
                client.connection.sendall(b"a" * 99_000_000)


class TestTooMany:
    """Connections over the limit."""

    def test_the_one_that_waits_longest_makes_room(self) -> None:
        with serving(connections=3) as port, ExitStack() as stack:
            first, *others = [stack.enter_context(connected(port)) for _ in range(3)]
            for client in (first, *others):
                assert client.send(SMALLEST).read() is not None
            time.sleep(1.2)  # what has just begun to wait is left alone

            answer = asked(port)

            assert answer is not None
            assert answer.status == 200
            assert first.is_closed()
            assert [client.send(SMALLEST).read() for client in others] != [None, None]

    def test_slow_headers_make_room(self) -> None:
        with serving(connections=3) as port, ExitStack() as stack:
            for _ in range(3):
                stack.enter_context(connected(port)).send(b"GET / HT")
            time.sleep(1.2)

            answers = [asked(port) for _ in range(3)]

        assert [answer and answer.status for answer in answers] == [200, 200, 200]

    def test_where_none_waits_the_new_one_is_refused(self) -> None:
        with serving(connections=2) as port, ExitStack() as stack:
            busy = [stack.enter_context(connected(port)) for _ in range(2)]
            for client in busy:
                client.send(b"GET /?seconds=1 HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(0.3)
            refused = asked(port)
            answers = [client.read() for client in busy]

        assert refused is not None
        assert refused.status == 503
        assert refused.problem["type"] == "urn:veritas:problem:overloaded"
        assert refused.headers["retry-after"] == "1"
        assert [answer and answer.status for answer in answers] == [200, 200]

    def test_far_more_than_the_limit_leave_the_service_answering(self) -> None:
        with serving(connections=10) as port, ExitStack() as stack:
            for _ in range(150):
                stack.enter_context(connected(port)).send(b"GET / HTTP/1.1\r\nX: ")
            time.sleep(1.2)

            assert _get(port).status == 200


class _Open:
    """A connection as far as it is counted."""

    def __init__(self, host: str | None) -> None:
        self.host = host
        self.is_turned_away = False
        self.is_cut = False

    def check(self, now: float, elapsed: float) -> None: ...

    def turn_away(self) -> None:
        self.is_turned_away = True

    def cut(self) -> None:
        self.is_cut = True


async def _admitted(connections: Connections, hosts: list[str | None]) -> list[bool]:
    return [connections.admit(_Open(host), 1000) for host in hosts]


class TestPerClient:
    """Connections of one client's address."""

    LIMITS = Limits(connections_per_client=2, trusted_proxies=("198.51.100.0/24",))

    @pytest.mark.parametrize(
        ("hosts", "admitted"),
        [
            (["192.0.2.1"] * 3, [True, True, False]),
            (["192.0.2.1", "192.0.2.1", "192.0.2.2"], [True, True, True]),
            (["198.51.100.7"] * 3, [True, True, True]),
            (["127.0.0.1"] * 3, [True, True, True]),
            ([None] * 3, [True, True, True]),
            (["2001:db8::1", "2001:db8::2", "2001:db8::3"], [True, True, False]),
            (["2001:db8::1", "2001:db8::2", "2001:db8:1::3"], [True, True, True]),
        ],
    )
    def test_are_limited(self, hosts: list[str | None], admitted: list[bool]) -> None:
        assert asyncio.run(_admitted(Connections(self.LIMITS), hosts)) == admitted

    def test_one_that_waits_makes_room_for_another_of_its_client(self) -> None:
        async def three() -> list[_Open]:
            connections = Connections(self.LIMITS)
            opened = [_Open("192.0.2.9"), *(_Open("192.0.2.1") for _ in range(3))]
            for second, connection in enumerate(opened):
                connections.admit(connection, 1000 + second)
                connections.waiting[connection] = 1000 + second
            return opened

        opened = asyncio.run(three())

        assert [connection.is_cut for connection in opened] == [False, True, False, False]
        assert not any(connection.is_turned_away for connection in opened)

    def test_are_forgotten_when_they_close(self) -> None:
        async def again() -> bool:
            connections = Connections(self.LIMITS)
            opened = [_Open("192.0.2.1") for _ in range(3)]
            for connection in opened:
                connections.admit(connection, 1000)
            for connection in opened:
                connections.forget(connection)
            return connections.admit(_Open("192.0.2.1"), 1000)

        assert asyncio.run(again())


class TestForwarded:
    """The address that a proxy tells."""

    FORWARDED = b"X-Forwarded-For: 203.0.113.9"

    def test_counts_for_nothing_by_default(self) -> None:
        with serving() as port:
            assert _get(port, self.FORWARDED).body == b'{"client":"127.0.0.1"}'

    def test_counts_from_a_trusted_proxy(self) -> None:
        settings = ServiceSettings(trusted_proxies="10.0.0.1, 127.0.0.0/8")
        with serving(settings) as port:
            assert _get(port, self.FORWARDED).body == b'{"client":"203.0.113.9"}'

    def test_counts_only_as_far_as_proxies_are_trusted(self) -> None:
        settings = ServiceSettings(trusted_proxies="127.0.0.1")
        with serving(settings) as port:
            answer = _get(port, b"X-Forwarded-For: 127.0.0.1, 192.0.2.1, 203.0.113.9, 127.0.0.1")

        assert answer.body == b'{"client":"203.0.113.9"}'
