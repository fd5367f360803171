"""Limits of the number of connections, and their clients' addresses."""

import asyncio
import time
from contextlib import ExitStack

import pytest

from shared_web.settings import ServiceSettings
from shared_web.wire.connections import Connections, Limits
from tests.support.limited import serving
from tests.support.sockets import SMALLEST, Answer, asked, connected


def _get(port: int, *headers: bytes) -> Answer:
    return asked(port, b"\r\n".join([b"GET / HTTP/1.1", b"Host: x", *headers, b"", b""]))


class TestTooMany:
    """Connections over the limit."""

    def test_the_longest_waiting_connection_is_closed(self) -> None:
        with serving(connections=3) as port, ExitStack() as stack:
            first, *others = [stack.enter_context(connected(port)) for _ in range(3)]
            for client in (first, *others):
                assert client.send(SMALLEST).read().status == 200
            time.sleep(1.2)  # a connection that waits for less than a second is not closed

            answer = asked(port)

            assert answer.status == 200
            assert first.is_closed()
            assert any(client.send(SMALLEST).read().status for client in others)

    def test_connections_with_slow_headers_are_closed(self) -> None:
        with serving(connections=3) as port, ExitStack() as stack:
            for _ in range(3):
                stack.enter_context(connected(port)).send(b"GET / HT")
            time.sleep(1.2)

            answers = [asked(port) for _ in range(3)]

        assert [answer.status for answer in answers] == [200, 200, 200]

    def test_a_new_connection_is_refused_if_all_others_are_busy(self) -> None:
        with serving(connections=2) as port, ExitStack() as stack:
            busy = [stack.enter_context(connected(port)) for _ in range(2)]
            for client in busy:
                client.send(b"GET /?seconds=2 HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(0.3)
            refused = asked(port)
            answers = [client.read() for client in busy]

        assert refused.status == 503
        assert refused.problem["type"] == "urn:veritas:problem:overloaded"
        assert refused.headers["retry-after"] == "1"
        assert [answer.status for answer in answers] == [200, 200]

    def test_a_response_in_progress_is_completed(self) -> None:
        with serving(connections=1) as port, connected(port) as client:
            client.send(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(1.2)
            refused = asked(port)
            answer = client.read()

        assert refused.status == 503
        assert len(answer.body) == 50_000_000

    def test_many_more_connections_do_not_block_the_service(self) -> None:
        with serving(connections=10) as port, ExitStack() as stack:
            for _ in range(150):
                stack.enter_context(connected(port)).send(b"GET / HTTP/1.1\r\nX: ")
            time.sleep(1.2)

            assert _get(port).status == 200


class _Open:
    """Connection as far as it is counted."""

    def __init__(self, host: str | None) -> None:
        self.host = host
        self.is_rejected = False
        self.is_evicted = False

    def check(self, now: float, elapsed: float) -> None: ...

    def reject(self) -> None:
        self.is_rejected = True

    def close_if_idle(self) -> bool:
        self.is_evicted = True
        return True

    def abort(self) -> None: ...


async def _admitted(connections: Connections, hosts: list[str | None]) -> list[bool]:
    return [connections.admit(_Open(host), 1000) for host in hosts]


class TestPerClient:
    """Connections from the address of one client."""

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

    def test_a_waiting_connection_is_evicted_of_its_client(self) -> None:
        async def three() -> list[_Open]:
            connections = Connections(self.LIMITS)
            opened = [_Open("192.0.2.9"), *(_Open("192.0.2.1") for _ in range(3))]
            for second, connection in enumerate(opened):
                connections.admit(connection, 1000 + second)
                connections.waiting[connection] = 1000 + second
            return opened

        opened = asyncio.run(three())

        assert [connection.is_evicted for connection in opened] == [
            False,
            True,
            False,
            False,
        ]
        assert not any(connection.is_rejected for connection in opened)

    def test_are_not_counted_after_they_close(self) -> None:
        async def again() -> bool:
            connections = Connections(self.LIMITS)
            opened = [_Open("192.0.2.1") for _ in range(3)]
            for connection in opened:
                connections.admit(connection, 1000)
            for connection in opened:
                connections.remove(connection)
            return connections.admit(_Open("192.0.2.1"), 1000)

        assert asyncio.run(again())


class TestForwarded:
    """Address that a proxy reports."""

    FORWARDED = b"X-Forwarded-For: 203.0.113.9"

    def test_is_ignored_by_default(self) -> None:
        with serving() as port:
            assert _get(port, self.FORWARDED).body == b'{"client":"127.0.0.1"}'

    def test_is_used_from_a_trusted_proxy(self) -> None:
        settings = ServiceSettings(trusted_proxies="10.0.0.1, 127.0.0.0/8")
        with serving(settings) as port:
            assert _get(port, self.FORWARDED).body == b'{"client":"203.0.113.9"}'

    def test_is_the_last_one_that_is_not_a_trusted_proxy(self) -> None:
        settings = ServiceSettings(trusted_proxies="127.0.0.1")
        with serving(settings) as port:
            answer = _get(port, b"X-Forwarded-For: 127.0.0.1, 192.0.2.1, 203.0.113.9, 127.0.0.1")

        assert answer.body == b'{"client":"203.0.113.9"}'
