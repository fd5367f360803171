"""Periodic tasks of a service."""

import asyncio

import pytest

from shared_db.background_work.state import BackgroundWork
from shared_web.operations.periodic import Periodic, running


async def until(enough: asyncio.Event) -> None:
    await asyncio.wait_for(enough.wait(), timeout=30)


def test_a_task_is_repeated_even_after_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    turns: list[int] = []

    async def run() -> None:
        enough = asyncio.Event()
        loop = asyncio.get_running_loop()

        def work() -> None:
            turns.append(len(turns))
            if len(turns) == 1:
                raise RuntimeError("secret of Xanthippe")
            loop.call_soon_threadsafe(enough.set)

        async with running([Periodic("counting", 0.001, work)], BackgroundWork()):
            await until(enough)

    asyncio.run(run())

    assert len(turns) >= 2
    assert "Xanthippe" not in caplog.text


def test_no_task_runs_after_the_service_has_stopped() -> None:
    turns: list[int] = []

    async def run() -> int:
        enough = asyncio.Event()
        loop = asyncio.get_running_loop()

        def work() -> None:
            turns.append(1)
            loop.call_soon_threadsafe(enough.set)

        async with running([Periodic("counting", 0.001, work)], BackgroundWork()):
            await until(enough)
        done = len(turns)
        await asyncio.sleep(0.05)
        return done

    assert asyncio.run(run()) == len(turns)
