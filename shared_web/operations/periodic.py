"""Work that a service does by itself every so often, beside its requests."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from fastapi.concurrency import run_in_threadpool

from shared_db.background_work.state import BackgroundWork, Work
from shared_web.operations.logging import describe_failure

logger = structlog.stdlib.get_logger("veritas.periodic")


@dataclass(frozen=True)
class Periodic:
    """One thing to do every `seconds`; it must be safe in several processes at once."""

    name: str
    seconds: float
    work: Callable[[], object]


@asynccontextmanager
async def doing(periodics: Sequence[Periodic], background: BackgroundWork) -> AsyncIterator[None]:
    """Do the work as long as the context lasts; what fails is recorded and tried again in time."""
    works = [(periodic, background.add(periodic.name, periodic.seconds)) for periodic in periodics]
    tasks = [asyncio.create_task(_repeat(periodic, work)) for periodic, work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _repeat(periodic: Periodic, work: Work) -> None:
    logged = None
    while True:
        try:
            await run_in_threadpool(work.run, periodic.work, lambda: periodic.seconds)
        except Exception as failure:  # noqa: BLE001 - logged; the next turn comes
            if logged is not type(failure):  # an outage lasts many turns
                logger.warning(
                    "periodic work failed", work=work.state.name, **describe_failure(failure)
                )
            logged = type(failure)
        else:
            if logged is not None:
                logger.warning("periodic work succeeds again", work=work.state.name)
            logged = None
        await asyncio.sleep(periodic.seconds)
