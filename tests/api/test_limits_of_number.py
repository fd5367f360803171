"""Limits of the number of connections, and the address that they count as."""

import asyncio
import time
from contextlib import ExitStack

import pytest

from shared_web.settings import ServiceSettings
from shared_web.wire.connections import Connections, Limits
from tests.support.limited import serving
from tests.support.sockets import SMALLEST, Answer, asked, connected


def _get(port: int, *headers: bytes) -> Answer:
    answer = asked(port, b"\r\n".join([b"GET / HTTP/1.1", b"Host: x", *headers, b"", b""]))
    assert answer is not None
    return answer


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
                client.send(b"GET /?seconds=2 HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(0.3)
            refused = asked(port)
            answers = [client.read() for client in busy]

        assert refused is not None
        assert refused.status == 503
        assert refused.problem["type"] == "urn:veritas:problem:overloaded"
        assert refused.headers["retry-after"] == "1"
        assert [answer and answer.status for answer in answers] == [200, 200]

    def test_an_answer_that_is_still_sent_is_not_cut(self) -> None:
        with serving(connections=1) as port, connected(port) as client:
            client.send(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(1.2)
            refused = asked(port)
            answer = client.read()

        assert refused is not None
        assert refused.status == 503
        assert answer is not None
        assert len(answer.body) == 50_000_000

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

    def reject(self) -> None:
        self.is_turned_away = True

    def close_if_idle(self) -> bool:
        self.is_cut = True
        return True

    def abort(self) -> None: ...


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
                connections.remove(connection)
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
