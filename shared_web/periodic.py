"""Work that a service does by itself every so often, beside its requests."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from fastapi.concurrency import run_in_threadpool

from shared_web.logs import describe_failure

logger = structlog.stdlib.get_logger("veritas.periodic")


@dataclass(frozen=True)
class Periodic:
    """One thing to do every `seconds`; it must be safe in several processes at once."""

    name: str
    seconds: float
    work: Callable[[], object]


@asynccontextmanager
async def doing(periodics: Sequence[Periodic]) -> AsyncIterator[None]:
    """Do the work as long as the context lasts; what fails is logged and tried again in time."""
    tasks = [asyncio.create_task(_repeat(periodic)) for periodic in periodics]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _repeat(periodic: Periodic) -> None:
    while True:
        try:
            await run_in_threadpool(periodic.work)
        except Exception as failure:  # noqa: BLE001 - logged; the next turn comes
            logger.warning("periodic work failed", work=periodic.name, **describe_failure(failure))
        await asyncio.sleep(periodic.seconds)
