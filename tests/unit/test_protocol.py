"""The protocol by itself: what it gives to the parser, and what it rests on."""

import asyncio
import pickle
from functools import partial
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from shared_web.operations.serve import server_options
from shared_web.settings import ServiceSettings
from shared_web.wire.bounded import HEAD_BYTES, MAX_HEADERS, PIECE_BYTES
from shared_web.wire.connections import Connections, Limits
from shared_web.wire.pace import Pace
from shared_web.wire.protocol import LimitedProtocol
from tests.support.limited import ENDLESS, app


class _Transport(asyncio.Transport):
    """Where a server's answers go that nobody reads."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.1", 1), "sockname": ("192.0.2.2", 1)})
        self.written = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def write_eof(self) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None: ...


@pytest.mark.parametrize("name", ENDLESS)
def test_the_parser_is_given_no_more_than_the_limit(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, more = ENDLESS[name]
    given: list[int] = []

    async def feed() -> LimitedProtocol:
        config = uvicorn.Config(app, lifespan="off", **server_options(ServiceSettings()))
        config.load()
        protocol = LimitedProtocol(
            config, uvicorn.server.ServerState(), {}, connections=Connections(Limits())
        )
        parser = protocol.parser
        protocol.connection_made(_Transport())

        class Counting:
            def feed_data(self, data: bytes) -> None:
                given.append(len(data))
                parser.feed_data(data)

            def __getattr__(self, name: str) -> Any:
                return getattr(parser, name)

        monkeypatch.setattr(protocol, "parser", Counting())
        for data in (start, more * (1_000_000 // len(more)), more * (1_000_000 // len(more))):
            protocol.data_received(data)
        return protocol

    protocol = asyncio.run(feed())

    assert sum(given) <= HEAD_BYTES + PIECE_BYTES
    assert len(protocol.headers or ()) <= MAX_HEADERS + PIECE_BYTES // len(b"a: b\r\n")
    assert b" 431 " in protocol.transport.written  # type: ignore[attr-defined]


def test_uvicorn_is_as_the_protocol_takes_it_to_be() -> None:
    """A failure here: read uvicorn's httptools_impl.py against shared_web/wire/bounded.py.

    `on_response_complete` there is what ours does instead; `headers`, `cycle`, `pipeline` and
    `flow` have to mean the same.
    """
    taken = {
        "data_received",
        "connection_made",
        "connection_lost",
        "on_message_begin",
        "on_headers_complete",
        "on_body",
        "on_message_complete",
        "on_response_complete",
        "_start_asgi_task",
    }
    assert taken <= set(vars(HttpToolsProtocol))
    assert {"pipeline", "headers", "cycle", "flow"} <= set(
        HttpToolsProtocol.__init__.__code__.co_names
    )
    names = set(HttpToolsProtocol.on_response_complete.__code__.co_names)
    assert names == {
        "server_state", "total_requests", "transport", "is_closing", "_unset_keepalive_if_required",
        "flow", "resume_reading", "pipeline", "pop", "_start_asgi_task", "loop", "call_later",
        "timeout_keep_alive", "timeout_keep_alive_handler", "timeout_keep_alive_task",
    }  # fmt: skip
    assert {
        "disconnected",
        "message_event",
        "keep_alive",
        "response_started",
        "response_complete",
    } <= (set(RequestResponseCycle.__init__.__code__.co_names))


def test_workers_get_the_limits() -> None:
    options = server_options(ServiceSettings(max_connections=7))

    copied: partial[LimitedProtocol] = pickle.loads(pickle.dumps(options))["http"]  # noqa: S301 - its own

    assert copied.keywords["connections"].limits.connections == 7


def test_a_pace_is_lost_when_a_stretch_brought_too_little() -> None:
    pace = Pace(seconds=10, rate=100)
    pace.restart(0, 0)

    told = [
        pace.is_too_slow(now, total) for now, total in [(5, 10), (10, 1000), (20, 1999), (21, 1999)]
    ]

    assert told == [False, False, False, True]
    assert not pace.is_too_slow(40, 0)  # something else is counted now
    assert not any(Pace(1, 0).is_too_slow(now, 0) for now in range(100))
