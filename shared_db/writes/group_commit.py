"""Group commit: requests that only add rows wait together, and share one transaction.

A connection and a commit cost more than the rows of a request. So whatever waits when the writer is
free is written at once, and each request is answered after the commit that holds its own rows. A
request that comes alone does not wait for others: the writer begins as soon as the loop has nothing
else to do. Where many were just answered, it gives them a moment to come together again. While more
comes, the writer keeps its connection.
"""

import asyncio
import logging
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from shared_db.connection.reuse import reuse_connection
from shared_db.errors import DatabaseUnavailable, Overloaded, ServiceError
from shared_db.resilience.deadlines import THREAD_LIMIT

logger = logging.getLogger(__name__)

# How long the writer waits for more, with its connection open.
_LINGER_SECONDS = 0.2
# How long at most it lets those come together who were just answered.
_GATHERING_SECONDS = 0.02

Q = TypeVar("Q")
R = TypeVar("R")
Loop = asyncio.AbstractEventLoop


@dataclass(frozen=True)
class QueueLimits:
    """How many requests and bytes may wait, and how many are written in one transaction."""

    requests: int = 10_000
    size: int = 16 * 1024 * 1024
    requests_at_once: int = 1_000
    size_at_once: int = 4 * 1024 * 1024


@dataclass(slots=True)
class _Waiting(Generic[Q]):
    """A request in the queue, and who waits for it: a thread, or a task of a loop."""

    request: Q
    size: int
    answer: "Future[Any] | asyncio.Future[Any]"
    loop: Loop | None


@dataclass(frozen=True)
class _Flush:
    """How many requests a flush wrote, and how long it took."""

    requests: int
    seconds: float


class GroupCommit(Generic[Q, R]):
    """A bounded queue of requests, and one writer at a time that takes all that wait.

    flush: writes requests in one unit of work and returns, in order, the answer or the refusal of
    each. It may be called again with some of the requests whose first attempt was rolled back.
    """

    def __init__(
        self,
        flush: Callable[[list[Q]], Sequence[R | ServiceError]],
        bounds: QueueLimits | None = None,
    ) -> None:
        self.bounds = bounds or QueueLimits()
        self.flush = flush
        self._queue: deque[_Waiting[Q]] = deque()
        self._queued_size = 0
        self._passed_over = 0
        self._is_writing = False
        # What waits is to be written. Until then the loop still reads what came at the same time.
        self._is_due = False
        self._waking: Loop | None = None
        self._lingers = True
        self._lock = threading.Lock()
        self._came = threading.Condition(self._lock)
        # Its thread is there only once it is needed, and is waited for when the process ends.
        self._writer = ThreadPoolExecutor(1, "ingest")

    @property
    def waiting(self) -> int:
        """How many requests wait for the writer, those aside that it writes now."""
        return len(self._queue)

    @property
    def is_writing(self) -> bool:
        """Tell whether the writer is at work, about to be, or lingers for more."""
        return self._is_writing

    def write(self, request: Q, size: int) -> R:
        """Return the answer once the request is committed; the calling thread waits.

        size: of the request, in bytes.

        Raises:
            Overloaded: as much waits as may.
            ServiceError: what the flush answered, or why the database could not be written to.

        """
        answer: Future[R] = Future()
        self._enqueue(_Waiting(request, size, answer, None))
        self._wake()
        return answer.result()

    async def write_async(self, request: Q, size: int) -> R:
        """Do the same for a task, which holds no thread while it waits."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[R] = loop.create_future()
        self._enqueue(_Waiting(request, size, answer, loop))
        if self._waking is not loop:
            self._waking = loop
            loop.call_soon(self._wake)
        return await answer

    def drain(self) -> None:
        """Return once everything is written that waits now, and the writer has gone."""
        self._lingers = False
        try:
            while self._queue or self._is_writing:
                self._wake()
                self._writer.submit(int).result()
        finally:
            self._lingers = True  # another application may go on with the same manager

    def _enqueue(self, waiting: _Waiting[Q]) -> None:
        with self._lock:
            size = self._queued_size + waiting.size
            if self._queue and (
                len(self._queue) >= self.bounds.requests or size > self.bounds.size
            ):
                raise Overloaded("More comes in than can be written now. Try again.")
            self._queue.append(waiting)
            self._queued_size = size

    def _wake(self) -> None:
        """Have the writer take what waits, now or after what it is at."""
        try:
            with self._lock:
                self._waking = None
                self._is_due = True
                self._came.notify()
                if not self._is_writing:
                    self._writer.submit(self._write_all)
                    self._is_writing = True  # not before: it may be that no thread can be started
        except RuntimeError as refusal:
            self._stop([], Overloaded(THREAD_LIMIT), refusal)

    def _write_all(self) -> None:
        taken: list[_Waiting[Q]] = []
        last = _Flush(0, 0.0)
        try:
            with reuse_connection():
                while taken := self._take(last):
                    begun = time.monotonic()
                    self._write(taken)
                    last = _Flush(len(taken), time.monotonic() - begun)
        except BaseException as failure:
            self._stop(taken, RuntimeError("the writer failed"), failure)
            raise

    def _stop(self, taken: list[_Waiting[Q]], told: Exception, cause: BaseException) -> None:
        """Tell everybody who waits, as there is no writer; the next request starts one."""
        logger.error("the writer stopped: %s", type(cause).__qualname__)
        told.__cause__ = cause
        with self._lock:
            self._is_writing = False
            taken = [*taken, *self._queue]
            self._queue, self._queued_size = deque(), 0
        _refuse(taken, told)

    def _take(self, last: _Flush) -> list[_Waiting[Q]]:
        """Return the first that wait, as many as one transaction takes; with none, stop writing."""
        taken: list[_Waiting[Q]] = []
        size = 0
        with self._lock:
            enough = self._enough(last)
            if self._came.wait_for(self._has_to_take, _LINGER_SECONDS):
                patience = min(last.seconds, _GATHERING_SECONDS)
                self._came.wait_for(lambda: self._has_gathered(enough), patience)
            while self._queue and len(taken) < self.bounds.requests_at_once:
                size += self._queue[0].size
                if taken and size > self.bounds.size_at_once:
                    break
                taken.append(self._queue.popleft())
                self._queued_size -= taken[-1].size
            self._is_due = bool(self._queue)
            self._passed_over = len(self._queue)
            self._is_writing = bool(taken)
        return taken

    def _has_to_take(self) -> bool:
        return bool(self._queue and self._is_due) or not self._lingers

    def _enough(self, last: _Flush) -> int:
        """Return how many make a flush worth while: half of those who send at the same time.

        They are those who wait and those who were just answered, most of whom send again at once.
        Written alone, the first of these would have all others wait for a flush that costs as much.
        """
        sending = last.requests + len(self._queue)
        return min(sending // 2, self.bounds.requests, self.bounds.requests_at_once)

    def _has_gathered(self, enough: int) -> bool:
        return len(self._queue) >= enough or not self._lingers

    def _take_passed_over(self) -> list[_Waiting[Q]]:
        """Return those that waited already when the flush at hand began, and had no place in it."""
        with self._lock:
            taken = [self._queue.popleft() for _ in range(min(self._passed_over, len(self._queue)))]
            self._queued_size -= sum(waiting.size for waiting in taken)
            self._passed_over = 0
        return taken

    def _write(self, taken: list[_Waiting[Q]]) -> None:
        try:
            answers = self.flush([waiting.request for waiting in taken])
            settled = list(zip(taken, answers, strict=True))
        except DatabaseUnavailable as away:
            # Not all behind: this may have been a lock. When the database is known to be away,
            # their own flush fails at once; else nobody waits for more than two.
            _refuse([*taken, *self._take_passed_over()], away)
        except ServiceError as refusal:
            _refuse(taken, refusal)
        except Exception as failure:  # noqa: BLE001 - raised where the request came from
            self._write_apart(taken, failure)
        else:
            _answer(settled)

    def _write_apart(self, taken: list[_Waiting[Q]], failure: Exception) -> None:
        """Write what failed together in halves, until what is bad is alone."""
        if len(taken) == 1:
            _answer([(taken[0], failure)])
            return
        middle = len(taken) // 2
        self._write(taken[:middle])
        self._write(taken[middle:])


def _refuse(waiting: Sequence[_Waiting[Q]], refusal: Exception) -> None:
    _answer([(each, _copied(refusal)) for each in waiting])


def _copied(refusal: Exception) -> Exception:
    # Raised in many places at once, one error would gather the traces of all.
    own = copy(refusal)
    own.__cause__ = refusal.__cause__
    return own


def _answer(answers: Sequence[tuple[_Waiting[Q], R | Exception]]) -> None:
    by_loop: dict[Loop, list[tuple[Any, R | Exception]]] = defaultdict(list)
    for waiting, answer in answers:
        if waiting.loop is None:
            _settle(waiting.answer, answer)
        else:
            by_loop[waiting.loop].append((waiting.answer, answer))
    for loop, of_loop in by_loop.items():
        # One call for all of them, because each wakes the loop. In a closed one nobody waits.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle_all, of_loop)


def _settle_all(answers: Sequence[tuple[Any, object]]) -> None:
    for waiting, answer in answers:
        _settle(waiting, answer)


def _settle(waiting: Any, answer: object) -> None:
    if waiting.done():  # given up by who waited, or answered before the writer failed
        return
    if isinstance(answer, Exception):
        waiting.set_exception(answer)
    else:
        waiting.set_result(answer)
