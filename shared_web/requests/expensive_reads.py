"""Limit of concurrent expensive reads in a process; a few wait, others are refused."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

import anyio
from fastapi import Depends, Request

from shared_db.errors import Overloaded

_WAIT_SECONDS = 1
# Parameters for which a list needs more than one page of an index; a dot is a JSON filter.
_SEARCHES = {"q", "search", "sort", "count"}
_SEARCH_SIGNS = (".", "__contains", "__startswith")


class ExpensiveReads:
    """Slots for expensive reads, which may take the database seconds."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._waiting = 0
        self._slots: anyio.Semaphore | None = None

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold a slot. At most as many requests as there are slots wait for one, up to a second.

        They wait in the event loop, so they occupy no thread.

        Raises:
            Overloaded: no slot became free.

        """
        slots = self._slots = self._slots or anyio.Semaphore(self._at_once)
        await self._acquire(slots)
        try:
            yield
        finally:
            slots.release()

    async def _acquire(self, slots: anyio.Semaphore) -> None:
        if self._waiting >= self._at_once:
            raise self._refusal()
        self._waiting += 1
        try:
            with anyio.fail_after(_WAIT_SECONDS):
                await slots.acquire()
        except TimeoutError as timeout:
            raise self._refusal() from timeout
        finally:
            self._waiting -= 1

    def _refusal(self) -> Overloaded:
        return Overloaded(
            f"{self._at_once} expensive requests are being answered, as many as may be at once "
            "(EXPENSIVE_READS). Try again, or ask for less: a shorter time, no exact count."
        )


async def _slot(request: Request) -> AsyncIterator[None]:
    async with request.app.state.expensive_reads.slot():
        yield


async def _slot_if_searched(request: Request) -> AsyncIterator[None]:
    async with request.app.state.expensive_reads.slot() if _is_search(request) else nullcontext():
        yield


def _is_search(request: Request) -> bool:
    names = request.query_params.keys()
    return any(name in _SEARCHES or any(s in name for s in _SEARCH_SIGNS) for name in names)


# Released when the route returns, not after the response is sent: a client may read slowly.
EXPENSIVE = Depends(_slot, scope="function")
EXPENSIVE_IF_SEARCHED = Depends(_slot_if_searched, scope="function")
