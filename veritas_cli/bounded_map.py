"""Concurrent map in bounded memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from shared_db.errors import DatabaseBusy

T = TypeVar("T")
R = TypeVar("R")
_ATTEMPTS = 3


def bounded_map(work: Callable[[T], R], items: Iterable[T], workers: int) -> Iterator[tuple[T, R]]:
    """Yield each item with its result, in order; at most `workers` calls run at once.

    Takes at most one item ahead of the workers. Repeats a call that met a busy database, so the
    work must be idempotent. The first failure cancels the calls that have not begun.
    """
    pending: deque[tuple[T, Future[R]]] = deque()
    pool = ThreadPoolExecutor(workers)
    try:
        for item in items:
            pending.append((item, pool.submit(_with_retries, work, item)))
            if len(pending) > workers:
                first, future = pending.popleft()
                yield first, future.result()
        for item, future in pending:
            yield item, future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _with_retries(work: Callable[[T], R], item: T) -> R:
    for _ in range(_ATTEMPTS - 1):
        try:
            return work(item)
        except DatabaseBusy:
            continue
    return work(item)
