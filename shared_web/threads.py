"""Threads that are reserved for one kind of work, so that other work keeps its own."""

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

T = TypeVar("T")


class ReservedThreads:
    """At most `count` threads of one app."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._limiter: CapacityLimiter | None = None

    async def run(self, work: Callable[[], T]) -> T:
        """Run the work in one of the threads and return its result."""
        if self._limiter is None:  # it belongs to the event loop of the app
            self._limiter = CapacityLimiter(self._count)
        return await to_thread.run_sync(work, limiter=self._limiter)
