"""Threads of endpoints, and threads that are reserved for one kind of other work."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread

T = TypeVar("T")


def start_request_threads(count: int) -> None:
    """Give the running event loop threads for endpoints, which end with it."""
    executor = ThreadPoolExecutor(count, "request")
    asyncio.get_running_loop().set_default_executor(executor)


def in_request_thread(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """Return a coroutine function that calls a plain endpoint in a thread; others are unchanged.

    FastAPI would switch to a thread twice, for the endpoint and for the validation of its result,
    and anyio takes twice the processor time of asyncio for each switch. The answer of a coroutine
    function is validated and serialised in the event loop. Pydantic holds the interpreter lock
    meanwhile, so a thread would delay other requests as well.
    """
    if any(is_other(endpoint) for is_other in _HAS_NO_THREAD):
        return endpoint

    @wraps(endpoint)
    async def call(**arguments: Any) -> Any:
        return await asyncio.to_thread(endpoint, **arguments)

    return call


_HAS_NO_THREAD = (iscoroutinefunction, isasyncgenfunction, isgeneratorfunction)


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


class SharedRuns:
    """Work for which several requests may wait: at most one run of each name at a time."""

    def __init__(self, threads: ReservedThreads) -> None:
        self._threads = threads
        self._running: dict[str, asyncio.Future[Any]] = {}

    def is_running(self, name: str) -> bool:
        """Return True if a run of the name is in progress in this event loop."""
        running = self._running.get(name)
        return running is not None and running.get_loop() is asyncio.get_running_loop()

    def start(self, name: str, work: Callable[[], T]) -> "asyncio.Future[T]":
        """Start the work, or return the run of the same name that is in progress."""
        if not self.is_running(name):
            started = asyncio.ensure_future(self._threads.run(work))
            self._running[name] = started
            started.add_done_callback(lambda done: self._finish(name, done))
        return self._running[name]

    async def run(self, name: str, work: Callable[[], T]) -> T:
        """Run the work, or wait for the run of the same name that is in progress."""
        return await asyncio.shield(self.start(name, work))

    def _finish(self, name: str, done: "asyncio.Future[Any]") -> None:
        if self._running.get(name) is done:
            del self._running[name]
        if not done.cancelled():
            done.exception()  # marks it as retrieved: all waiting requests may have ended
