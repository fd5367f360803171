"""Decompression and parsing of large bodies in threads, so that other requests are served."""

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from fastapi import FastAPI

from shared_web.requests.body_limit import BodyReader
from shared_web.requests.json_bodies import JsonRequest
from shared_web.threads import ReservedThreads

KIB = 1024


def let_others_run(work: Callable[[], Awaitable[Any]]) -> bool:
    """Return True if other tasks ran on the event loop before the work was done."""
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async def both() -> None:
        beside = asyncio.ensure_future(other())
        await asyncio.sleep(0)
        before = turns
        await work()
        assert not beside.done()
        beside.cancel()
        outcomes.append(turns > before)

    outcomes: list[bool] = []
    asyncio.run(both())
    return outcomes[0]


def receiving(body: bytes) -> Callable[[], Awaitable[dict[str, Any]]]:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


@pytest.mark.parametrize(("size", "is_in_thread"), [(60 * KIB, False), (70 * KIB, True)])
def test_a_large_body_is_parsed_in_a_thread(size: int, is_in_thread: bool) -> None:
    value = {"a": "a" * size}
    app = FastAPI()
    app.state.json_threads = ReservedThreads(1)
    scope = {"type": "http", "headers": [], "app": app}
    request = JsonRequest(scope, receiving(json.dumps(value).encode()))

    async def read() -> None:
        assert await request.json() == value

    assert let_others_run(read) == is_in_thread


@pytest.mark.parametrize(("size", "is_in_thread"), [(60 * KIB, False), (70 * KIB, True)])
def test_a_large_body_is_decompressed_in_a_thread(size: int, is_in_thread: bool) -> None:
    headers = [(b"content-encoding", b"gzip")]
    reader = BodyReader({"headers": headers}, receiving(gzip.compress(bytes(size))), 10**9)

    async def read() -> None:
        body, is_complete = b"", False
        while not is_complete:
            message = await reader.receive()
            body += message["body"]
            is_complete = not message["more_body"]
        assert body == bytes(size)

    assert let_others_run(read) == is_in_thread
