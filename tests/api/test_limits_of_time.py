"""Limits of time, for slow and idle clients."""

import time

import pytest

from shared_web.operations.serve import limits_of
from shared_web.settings import ServiceSettings
from tests.support.limited import serving
from tests.support.sockets import SMALLEST, Client, asked, connected

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n"


class TestSlow:
    """Clients that let the server wait."""

    def test_headers_are_refused(self) -> None:
        with serving(ServiceSettings(header_seconds=0.5)) as port, connected(port) as client:
            client.send(SMALLEST).read()
            client.send(b"GET / HTTP/1.1\r\nHost: ")
            answer = client.read()
            assert client.is_closed()

        assert answer.status == 408
        assert answer.problem["type"] == "urn:veritas:problem:request-too-slow"

    def test_connections_without_a_byte_are_closed_without_a_response(self) -> None:
        with serving(ServiceSettings(header_seconds=0.5)) as port, connected(port) as client:
            assert client.is_closed()

    def test_bodies_are_refused(self) -> None:
        with serving(body_seconds=0.2) as port, connected(port) as client:
            answer = client.send(HEAD + b"\r\n" + b"a" * 1000).read()
            assert client.is_closed()

        assert answer.status == 408

    def test_bodies_at_the_minimum_rate_are_read(self) -> None:
        settings = ServiceSettings(min_bytes_per_second=1000)
        with serving(settings, body_seconds=2) as port, connected(port) as client:
            client.send(HEAD.replace(b"1000000", b"24000") + b"\r\n")
            for _ in range(12):
                time.sleep(0.25)
                client.send(b"a" * 2000)
            answer = client.read()

        assert answer.body == b"24000"

    def test_the_time_of_a_body_starts_after_100_continue(self) -> None:
        app_waits = b"POST /?seconds=0 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
        with serving(body_seconds=0.2) as port, connected(port) as client:
            client.send(app_waits + b"Expect: 100-continue\r\n\r\n")
            assert client.connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
            answer = client.send(b"abc").read()

        assert answer.body == b"3"

    def test_responses_that_are_not_read_are_aborted(self) -> None:
        with serving(answer_seconds=0.2) as port, connected(port) as client:
            client.send(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(4)  # the buffers of both sides are full, and the client does not read
            with pytest.raises((ConnectionResetError, AssertionError)):
                assert _received(client) > 50_000_000

    def test_responses_that_are_read_are_completed(self) -> None:
        with serving(answer_seconds=0.2) as port:
            answer = asked(port, b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")

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
            time.sleep(2.5)  # the server checks twice in this time
            second = client.send(SMALLEST).read()

        assert [answer.status for answer in (first, second)] == [200, 200]

    def test_are_closed_after_their_time(self) -> None:
        with serving(ServiceSettings(keep_alive_seconds=0.2)) as port, connected(port) as client:
            assert client.send(SMALLEST).read().status == 200
            assert client.is_closed()

    def test_are_kept_longer_than_by_a_usual_proxy(self) -> None:
        assert limits_of(ServiceSettings()).keep_alive_seconds > 60

    def test_are_closed_also_after_a_response_before_the_body(self) -> None:
        post = b"POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
        with serving(keep_alive_seconds=0.2) as port, connected(port) as client:
            assert client.send(post).read().status == 401
            assert client.send(b"abcde" + SMALLEST).read().status == 200
            assert client.is_closed()


class TestAnsweredEarly:
    """Bodies of requests that are already answered."""

    START = b"POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n"

    def test_are_not_waited_for(self) -> None:
        with serving(drain_seconds=0.2) as port, connected(port) as client:
            answer = client.send(self.START).read()
            assert client.is_closed()

        assert answer.status == 401

    def test_are_read_up_to_a_limit(self) -> None:
        with serving(drain_bytes=100_000) as port, connected(port) as client:
            client.send(self.START).read()
            with pytest.raises((BrokenPipeError, ConnectionResetError)):
                client.connection.sendall(b"a" * 99_000_000)
