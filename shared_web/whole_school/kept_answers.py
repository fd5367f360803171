"""Answers kept in the process for a moment, and single flight of equal requests."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass

from starlette.responses import Response

# Bodies above this size are not kept; all together take at most `_MAX_BYTES`.
MAX_BODY_BYTES = 1024 * 1024
_MAX_BYTES = 16 * 1024 * 1024
# Of the memory that an entry takes besides its body.
_ENTRY_BYTES = 1024


@dataclass(frozen=True)
class KeptAnswer:
    """Successful answer, as it was sent first.

    age_seconds: time since another process computed it.
    """

    body: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    age_seconds: float = 0

    @classmethod
    def of(cls, response: Response) -> "KeptAnswer":
        """Return the content of a response."""
        headers = tuple(response.raw_headers)
        return cls(bytes(response.body), headers)

    def response(self) -> Response:
        """Return a response that its request may change."""
        response = Response(self.body)
        response.raw_headers = list(self.headers)
        return response


@dataclass(frozen=True)
class _Entry:
    answer: KeptAnswer
    ends_at: float

    @property
    def size(self) -> int:
        return len(self.answer.body) + _ENTRY_BYTES


class KeptAnswers:
    """Answers of one app by their key, each for `seconds` after it was computed; 0 keeps none.

    Equal requests during a computation wait for its result in the event loop: they take no thread,
    no connection and no slot of expensive reads. Beyond 16 MiB the oldest answers are dropped.
    """

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._now = now
        # Nearly all are kept equally long, so the oldest come first.
        self._entries: dict[Hashable, _Entry] = {}
        self._bytes = 0
        self._running: dict[Hashable, asyncio.Future[KeptAnswer]] = {}

    @property
    def is_on(self) -> bool:
        """True if answers are kept."""
        return self._seconds > 0

    async def get(self, key: Hashable, compute: Callable[[], Awaitable[KeptAnswer]]) -> KeptAnswer:
        """Return the kept answer, that of the computation in progress, or a new one.

        Errors of the computation are raised to all requests that wait for it, and not kept. If its
        request is cancelled, one of the waiting requests computes.
        """
        while True:
            entry = self._entries.get(key)
            if entry is not None and self._now() < entry.ends_at:
                return entry.answer
            running = self._running.get(key)
            if running is None or running.get_loop() is not asyncio.get_running_loop():
                return await self._compute(key, compute)
            await asyncio.wait([running])
            if not running.cancelled():
                return running.result()

    def clear(self) -> None:
        """Drop all answers, and keep none of the computations in progress."""
        self._entries.clear()
        self._running.clear()
        self._bytes = 0

    async def _compute(
        self, key: Hashable, compute: Callable[[], Awaitable[KeptAnswer]]
    ) -> KeptAnswer:
        result = self._running[key] = asyncio.get_running_loop().create_future()
        try:
            answer = await compute()
        except Exception as failure:
            result.set_exception(failure)
            result.exception()  # marks it as retrieved: no request may be waiting
            raise
        else:
            if self._running.get(key) is result:
                self._keep(key, answer)
            result.set_result(answer)
            return answer
        finally:
            result.cancel()  # no effect on a finished one
            if self._running.get(key) is result:
                del self._running[key]

    def _keep(self, key: Hashable, answer: KeptAnswer) -> None:
        now = self._now()
        entry = _Entry(answer, now + self._seconds - answer.age_seconds)
        self._drop(key)
        if len(answer.body) > MAX_BODY_BYTES:
            return
        self._entries[key] = entry
        self._bytes += entry.size
        for oldest, kept in list(self._entries.items()):
            if kept.ends_at > now and self._bytes <= _MAX_BYTES:
                break
            self._drop(oldest)

    def _drop(self, key: Hashable) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= entry.size
