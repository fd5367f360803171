"""Answers about a whole school that the processes of a service share in Redis."""

from typing import TYPE_CHECKING

import orjson

from shared_web.shared_cache import SharedCache
from shared_web.whole_school.kept_answers import MAX_BODY_BYTES, KeptAnswer

if TYPE_CHECKING:
    from redis.asyncio import Redis


class SharedAnswers:
    """Answers for `seconds` after they were computed in one of the processes.

    Equal requests to several processes at once may be computed once in each.
    """

    def __init__(self, cache: SharedCache, seconds: float) -> None:
        self._cache = cache
        self._seconds = seconds

    async def get(self, key: str) -> KeptAnswer | None:
        """Return the answer with its age; None if there is none, or Redis is away."""
        name = self._cache.name("answer", key)

        async def read(redis: "Redis") -> list[bytes | int | None]:
            commands = redis.pipeline(transaction=True)
            commands.get(name)
            commands.pttl(name)
            return list(await commands.execute())

        value, left = await self._cache.run(read) or (None, 0)
        if not isinstance(value, bytes) or not isinstance(left, int):
            return None
        head, _, body = value.partition(b"\n")
        headers = tuple((k.encode("latin-1"), v.encode("latin-1")) for k, v in orjson.loads(head))
        return KeptAnswer(body, headers, age_seconds=max(self._seconds - left / 1000, 0))

    async def put(self, key: str, answer: KeptAnswer) -> None:
        """Store an answer that was just computed, unless it is too long."""
        if len(answer.body) > MAX_BODY_BYTES:
            return
        name = self._cache.name("answer", key)
        head = orjson.dumps([(k.decode("latin-1"), v.decode("latin-1")) for k, v in answer.headers])
        value = head + b"\n" + answer.body
        milliseconds = max(round(self._seconds * 1000), 1)
        await self._cache.run(lambda redis: redis.set(name, value, px=milliseconds))
