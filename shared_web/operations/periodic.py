"""Periodic tasks of a service."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from fastapi.concurrency import run_in_threadpool

from shared_db.background_work.state import BackgroundWork, Work
from shared_web.failures import describe_failure

logger = structlog.stdlib.get_logger("veritas.periodic")


@dataclass(frozen=True)
class Periodic:
    """Task that runs every `seconds`; it must be safe in several processes at once.

    stop: ends a long run early when the service stops. waits: True if the first run is not at once.
    """

    name: str
    seconds: float
    work: Callable[[], object]
    stop: Callable[[], object] = lambda: None
    waits: bool = False


@asynccontextmanager
async def running(periodics: Sequence[Periodic], background: BackgroundWork) -> AsyncIterator[None]:
    """Run the tasks during the context; a failure is recorded, and the next run is on time."""
    works = [(periodic, background.add(periodic.name, periodic.seconds)) for periodic in periodics]
    tasks = [asyncio.create_task(_repeat(periodic, work)) for periodic, work in works]
    try:
        yield
    finally:
        for periodic in periodics:
            periodic.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _repeat(periodic: Periodic, work: Work) -> None:
    logged = None
    if periodic.waits:
        await asyncio.sleep(periodic.seconds)
    while True:
        try:
            await run_in_threadpool(work.run, periodic.work, lambda: periodic.seconds)
        except Exception as failure:  # noqa: BLE001 - it is logged, and the task runs again
            if logged is not type(failure):  # an outage lasts for many runs
                logger.warning(
                    "periodic work failed", work=work.state.name, **describe_failure(failure)
                )
            logged = type(failure)
        else:
            if logged is not None:
                logger.warning("periodic work succeeds again", work=work.state.name)
            logged = None
        await asyncio.sleep(periodic.seconds)
