"""Acknowledgement of single events: after they are stored, or as soon as they are queued."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Literal, TypeVar

import structlog
from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from shared_db.writes.group_commit import GroupCommit
from shared_web.failures import describe_failure
from shared_web.settings import IngestSettings

logger = structlog.stdlib.get_logger("veritas.intake")

T = TypeVar("T")


class QueuedOut(BaseModel):
    """Event that is queued (INGEST_ACKNOWLEDGE=queued); it may still be refused or lost."""

    id: str
    status: Literal["queued"] = "queued"


QUEUED: dict[int | str, dict[str, Any]] = {
    202: {"model": QueuedOut, "description": "The event is queued (INGEST_ACKNOWLEDGE=queued)"}
}


class Acknowledgement:
    """Acknowledgement of the single events of one service, stored or queued."""

    def __init__(self, commits: GroupCommit[Any, Any], settings: IngestSettings) -> None:
        self._commits = commits
        self._commits.limits = settings.bounds
        self._waits_for_commit = settings.ingest_acknowledge == "committed"
        self._storing: set[asyncio.Task[Any]] = set()

    @property
    def queue(self) -> GroupCommit[Any, Any]:
        """The queue of the events."""
        return self._commits

    async def wait_or_queue(self, storing: Coroutine[Any, Any, T]) -> T | None:
        """Return the stored row, or None if the event is queued and the request should not wait.

        Raises:
            ServiceError: the event is refused, or does not fit into the queue.

        """
        if self._waits_for_commit:
            return await storing
        task = asyncio.ensure_future(storing)
        await asyncio.sleep(0)  # the task runs until the event is queued or refused
        if task.done():
            return task.result()
        self._storing.add(task)
        task.add_done_callback(self._finish)
        return None

    async def drain(self) -> None:
        """Return after each queued event is stored, or its loss is logged."""
        await asyncio.gather(*self._storing, return_exceptions=True)
        await run_in_threadpool(self._commits.drain)

    def _finish(self, task: asyncio.Task[Any]) -> None:
        self._storing.discard(task)
        failure = task.exception()
        if failure is not None:
            logger.error("a queued event was not stored", **describe_failure(failure))


def intake_of(request: Request) -> Acknowledgement:
    """Return the acknowledgement of single events of the app."""
    intake: Acknowledgement = request.app.state.intake
    return intake


def queued(id_: str) -> JSONResponse:
    """Return the response for a queued event."""
    return JSONResponse(QueuedOut(id=id_).model_dump(), status_code=202)
