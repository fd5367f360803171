"""Group commit: inserts of several requests share one transaction.

A connection and a commit cost more than the rows of a request. When the writer is free, it writes
all waiting requests at once, and each is answered after the commit of its own rows. A request that
comes alone does not wait for others: the writer begins as soon as the loop is idle. After a flush
of many requests, it waits a moment for their clients to send again. While requests keep coming, the
writer keeps its connection.
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

# The writer waits for further requests so long, with its connection open.
_LINGER_SECONDS = 0.2
# Longest time in which the clients of the last flush may send again.
_GATHERING_SECONDS = 0.02

Q = TypeVar("Q")
R = TypeVar("R")
Loop = asyncio.AbstractEventLoop


@dataclass(frozen=True)
class QueueLimits:
    """Limits of the queue and of one transaction, in requests and bytes."""

    requests: int = 10_000
    size: int = 16 * 1024 * 1024
    requests_at_once: int = 1_000
    size_at_once: int = 4 * 1024 * 1024


@dataclass(slots=True)
class _Waiting(Generic[Q]):
    """Request in the queue, with the future of its thread, or of a task of `loop`."""

    request: Q
    size: int
    answer: "Future[Any] | asyncio.Future[Any]"
    loop: Loop | None


@dataclass(frozen=True)
class _Flush:
    """Number of requests that a flush wrote, and its duration."""

    requests: int
    seconds: float


class GroupCommit(Generic[Q, R]):
    """Bounded queue of requests, with one writer that takes all waiting ones.

    flush: writes requests in one unit of work and returns, in order, the answer or the refusal of
    each. It may be called again with some of the requests, after their first attempt was rolled
    back.
    """

    def __init__(
        self,
        flush: Callable[[list[Q]], Sequence[R | ServiceError]],
        limits: QueueLimits | None = None,
    ) -> None:
        self.limits = limits or QueueLimits()
        self.flush = flush
        self._queue: deque[_Waiting[Q]] = deque()
        self._queued_size = 0
        self._remaining = 0
        self._is_writing = False
        # True when the queue is to be written. Until then the loop reads requests that came at the
        # same time.
        self._is_due = False
        self._waking: Loop | None = None
        self._lingers = True
        self._lock = threading.Lock()
        self._arrived = threading.Condition(self._lock)
        # Its thread starts when it is needed; the process waits for it at its end.
        self._writer = ThreadPoolExecutor(1, "ingest")

    @property
    def waiting(self) -> int:
        """Number of requests in the queue, without those that are being written."""
        return len(self._queue)

    @property
    def waiting_bytes(self) -> int:
        """Size of the requests in the queue."""
        return self._queued_size

    @property
    def is_writing(self) -> bool:
        """Return True if the writer is at work, about to be, or lingers for more."""
        return self._is_writing

    def write(self, request: Q, size: int) -> R:
        """Return the answer once the request is committed; the calling thread waits.

        size: of the request, in bytes.

        Raises:
            Overloaded: the queue is full.
            ServiceError: the refusal by `flush`, or the failure of the transaction.

        """
        answer: Future[R] = Future()
        self._enqueue(_Waiting(request, size, answer, None))
        self._wake()
        return answer.result()

    async def write_async(self, request: Q, size: int) -> R:
        """Return the answer as `write` does; the calling task waits, without a thread."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[R] = loop.create_future()
        self._enqueue(_Waiting(request, size, answer, loop))
        if self._waking is not loop:
            self._waking = loop
            loop.call_soon(self._wake)
        return await answer

    def drain(self) -> None:
        """Return once all requests of the queue are written and the writer has stopped."""
        self._lingers = False
        try:
            while self._queue or self._is_writing:
                self._wake()
                self._writer.submit(int).result()
        finally:
            self._lingers = True  # another application may use the same manager

    def _enqueue(self, waiting: _Waiting[Q]) -> None:
        with self._lock:
            size = self._queued_size + waiting.size
            if self._queue and (
                len(self._queue) >= self.limits.requests or size > self.limits.size
            ):
                raise Overloaded("More comes in than can be written now. Try again.")
            self._queue.append(waiting)
            self._queued_size = size

    def _wake(self) -> None:
        """Make the writer take the queue, now or after its present flush."""
        try:
            with self._lock:
                self._waking = None
                self._is_due = True
                self._arrived.notify()
                if not self._is_writing:
                    self._writer.submit(self._write_all)
                    self._is_writing = True  # only now: the thread may have been refused
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

    def _stop(self, taken: list[_Waiting[Q]], error: Exception, cause: BaseException) -> None:
        """Answer all waiting requests with the error; the next request starts a new writer."""
        logger.error("the writer stopped: %s", type(cause).__qualname__)
        error.__cause__ = cause
        with self._lock:
            self._is_writing = False
            taken = [*taken, *self._queue]
            self._queue, self._queued_size = deque(), 0
        _refuse(taken, error)

    def _take(self, last: _Flush) -> list[_Waiting[Q]]:
        """Return the first requests of the queue, as many as one transaction takes.

        If there is none, the writer stops.
        """
        taken: list[_Waiting[Q]] = []
        size = 0
        with self._lock:
            threshold = self._flush_threshold(last)
            if self._arrived.wait_for(self._has_to_take, _LINGER_SECONDS):
                patience = min(last.seconds, _GATHERING_SECONDS)
                self._arrived.wait_for(lambda: self._has_gathered(threshold), patience)
            while self._queue and len(taken) < self.limits.requests_at_once:
                size += self._queue[0].size
                if taken and size > self.limits.size_at_once:
                    break
                taken.append(self._queue.popleft())
                self._queued_size -= taken[-1].size
            self._is_due = bool(self._queue)
            self._remaining = len(self._queue)
            self._is_writing = bool(taken)
        return taken

    def _has_to_take(self) -> bool:
        return bool(self._queue and self._is_due) or not self._lingers

    def _flush_threshold(self, last: _Flush) -> int:
        """Return the number of requests that justify a flush: half of the parallel ones.

        The parallel ones are the waiting and the just answered ones: most clients send again at
        once. A flush for the first of them alone would make all others wait for a second one.
        """
        sending = last.requests + len(self._queue)
        return min(sending // 2, self.limits.requests, self.limits.requests_at_once)

    def _has_gathered(self, threshold: int) -> bool:
        return len(self._queue) >= threshold or not self._lingers

    def _take_remaining(self) -> list[_Waiting[Q]]:
        """Return the requests that waited when the present flush began and did not fit into it."""
        with self._lock:
            taken = [self._queue.popleft() for _ in range(min(self._remaining, len(self._queue)))]
            self._queued_size -= sum(waiting.size for waiting in taken)
            self._remaining = 0
        return taken

    def _write(self, taken: list[_Waiting[Q]]) -> None:
        try:
            answers = self.flush([waiting.request for waiting in taken])
            settled = list(zip(taken, answers, strict=True))
        except DatabaseUnavailable as away:
            # Only the requests that did not fit, not all: the cause may have been a lock. Later
            # requests fail at once if the database is known to be away, so no request waits for
            # more than two flushes.
            _refuse([*taken, *self._take_remaining()], away)
        except ServiceError as refusal:
            _refuse(taken, refusal)
        except Exception as failure:  # noqa: BLE001 - raised in the caller of `write`
            self._write_halves(taken, failure)
        else:
            _answer(settled)

    def _write_halves(self, taken: list[_Waiting[Q]], failure: Exception) -> None:
        """Write a failed group in halves, until the bad request is alone."""
        if len(taken) == 1:
            _answer([(taken[0], failure)])
            return
        middle = len(taken) // 2
        self._write(taken[:middle])
        self._write(taken[middle:])


def _refuse(waiting: Sequence[_Waiting[Q]], refusal: Exception) -> None:
    _answer([(each, _copy_of(refusal)) for each in waiting])


def _copy_of(refusal: Exception) -> Exception:
    # One error that many callers raise would collect the tracebacks of all.
    own = copy(refusal)
    own.__cause__ = refusal.__cause__
    return own


def _answer(answers: Sequence[tuple[_Waiting[Q], R | Exception]]) -> None:
    by_loop: dict[Loop, list[tuple[Any, R | Exception]]] = defaultdict(list)
    for waiting, answer in answers:
        if waiting.loop is None:
            _resolve(waiting.answer, answer)
        else:
            by_loop[waiting.loop].append((waiting.answer, answer))
    for loop, of_loop in by_loop.items():
        # One call for all, because each call wakes the loop. A closed loop has no waiting task.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_resolve_all, of_loop)


def _resolve_all(answers: Sequence[tuple[Any, object]]) -> None:
    for waiting, answer in answers:
        _resolve(waiting, answer)


def _resolve(waiting: Any, answer: object) -> None:
    if waiting.done():  # cancelled by its task, or answered before the writer failed
        return
    if isinstance(answer, Exception):
        waiting.set_exception(answer)
    else:
        waiting.set_result(answer)
