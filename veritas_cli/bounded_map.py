"""Doing the same with many things, a few at a time, in bounded memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from shared_db.errors import DatabaseBusy

T = TypeVar("T")
R = TypeVar("R")
_ATTEMPTS = 3


def side_by_side(
    work: Callable[[T], R], things: Iterable[T], workers: int
) -> Iterator[tuple[T, R]]:
    """Give each thing with what `work` makes of it, in order, working on so many at once.

    No more than one beyond those is taken in advance. Whoever meets a busy database tries again,
    so the work must be safe to repeat.
    """
    under_way: deque[tuple[T, Future[R]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for thing in things:
            under_way.append((thing, pool.submit(_persistently, work, thing)))
            if len(under_way) > workers:
                first, future = under_way.popleft()
                yield first, future.result()
        for thing, future in under_way:
            yield thing, future.result()


def _persistently(work: Callable[[T], R], thing: T) -> R:
    for _ in range(_ATTEMPTS - 1):
        try:
            return work(thing)
        except DatabaseBusy:
            continue
    return work(thing)
