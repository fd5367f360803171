"""Single events on their way in: when they are acknowledged, and that none is left at the end."""

import asyncio
from collections.abc import Coroutine
from typing import Annotated, Any, Literal, TypeVar

import structlog
from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from shared_db.writes.group_commit import GroupCommit
from shared_web.operations.logging import describe_failure
from shared_web.settings import IngestSettings

logger = structlog.stdlib.get_logger("veritas.intake")

T = TypeVar("T")


class QueuedOut(BaseModel):
    """Under INGEST_ACKNOWLEDGE=queued: it waits to be stored, and may still be refused or lost."""

    id: str
    status: Literal["queued"] = "queued"


QUEUED: dict[int | str, dict[str, Any]] = {
    202: {"model": QueuedOut, "description": "It waits to be stored (INGEST_ACKNOWLEDGE=queued)"}
}


class Acknowledgement:
    """What one service does with single events: it answers once they are stored, or queued."""

    def __init__(self, commits: GroupCommit[Any, Any], settings: IngestSettings) -> None:
        self._commits = commits
        self._commits.limits = settings.bounds
        self._is_patient = settings.ingest_acknowledge == "committed"
        self._storing: set[asyncio.Task[Any]] = set()

    async def stored(self, storing: Coroutine[Any, Any, T]) -> T | None:
        """Return what was stored; None when it waits to be, and the caller shall not.

        Raises:
            ServiceError: it was refused, or does not fit into the queue.

        """
        if self._is_patient:
            return await storing
        task = asyncio.ensure_future(storing)
        await asyncio.sleep(0)  # it runs until it waits in the queue, or is refused there
        if task.done():
            return task.result()
        self._storing.add(task)
        task.add_done_callback(self._finish)
        return None

    async def drain(self) -> None:
        """Return once everything that waits is stored, or its loss is logged."""
        await asyncio.gather(*self._storing, return_exceptions=True)
        await run_in_threadpool(self._commits.drain)

    def _finish(self, task: asyncio.Task[Any]) -> None:
        self._storing.discard(task)
        failure = task.exception()
        if failure is not None:
            logger.error("a queued event was not stored", **describe_failure(failure))


async def _of_app(request: Request) -> Acknowledgement:
    intake: Acknowledgement = request.app.state.intake
    return intake


IngestQueue = Annotated[Acknowledgement, Depends(_of_app)]


def queued(id_: str) -> JSONResponse:
    """Return the answer for a row that waits to be stored under this id."""
    return JSONResponse(QueuedOut(id=id_).model_dump(), status_code=202)
