"""Protocol of the servers by itself, and the parts of uvicorn that it depends on."""

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
    """Transport that collects the answers of a server."""

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
def test_the_parser_gets_no_more_than_the_limit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_uvicorn_has_the_parts_that_the_protocol_depends_on() -> None:
    """If this fails, compare uvicorn's httptools_impl.py with shared_web/wire/bounded.py.

    Ours replaces `on_response_complete`; `headers`, `cycle`, `pipeline` and `flow` must have the
    same meaning.
    """
    methods = {
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
    assert methods <= set(vars(HttpToolsProtocol))
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


def test_the_limits_are_copied_to_workers() -> None:
    options = server_options(ServiceSettings(max_connections=7))

    copied: partial[LimitedProtocol] = pickle.loads(pickle.dumps(options))["http"]  # noqa: S301 - its own

    assert copied.keywords["connections"].limits.connections == 7


def test_a_transfer_is_too_slow_after_a_period_with_too_few_bytes() -> None:
    pace = Pace(seconds=10, rate=100)
    pace.restart(0, 0)

    checks = [(5, 10), (10, 1000), (20, 1999), (21, 1999)]

    assert [pace.is_too_slow(*check) for check in checks] == [False, False, False, True]
    assert not pace.is_too_slow(40, 0)  # another transfer
    assert not any(Pace(1, 0).is_too_slow(now, 0) for now in range(100))
