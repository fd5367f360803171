"""Limits of time: slow clients, and idle ones."""

import time

import pytest

from shared_web.operations.serve import limits_of
from shared_web.settings import ServiceSettings
from tests.support.limited import serving
from tests.support.sockets import SMALLEST, Client, asked, connected

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n"


class TestSlow:
    """Clients that keep the server waiting."""

    def test_headers_end_the_connection(self) -> None:
        with serving(ServiceSettings(header_seconds=0.5)) as port, connected(port) as client:
            client.send(SMALLEST).read()
            client.send(b"GET / HTTP/1.1\r\nHost: ")
            answer = client.read()
            assert client.is_closed()

        assert answer is not None
        assert answer.status == 408
        assert answer.problem["type"] == "urn:veritas:problem:request-too-slow"

    def test_opening_without_a_byte_ends_it_in_silence(self) -> None:
        with serving(ServiceSettings(header_seconds=0.5)) as port, connected(port) as client:
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
        with serving(header_seconds=0.5) as port, connected(port) as client:
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
