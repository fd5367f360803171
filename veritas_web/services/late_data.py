"""Data that are late, by reader, kept for a minute: their limits are days."""

import time

from veritas_web.domain.today import Stale, stale_of
from veritas_web.services.all import Services
from veritas_web.services.results import optional

KEPT_SECONDS = 60.0
_MAX_READERS = 5_000


class LateData:
    """Kinds of rows that came last longer ago than usual, for the readers of one process."""

    def __init__(self) -> None:
        self._known: dict[str | None, tuple[list[Stale], float]] = {}

    async def of(self, services: Services) -> list[Stale] | None:
        """Return the late data in the reader's sight; None: they are not known now."""
        reader, now = services.staffstuddash.reader, time.monotonic()
        found, until = self._known.get(reader, ([], 0.0))
        if now < until:
            return found
        answer = optional(await services.dropout.freshness())
        if answer is None:
            return None
        while len(self._known) >= _MAX_READERS:
            self._known.pop(next(iter(self._known)))
        late = stale_of(answer["items"])
        self._known[reader] = late, now + KEPT_SECONDS
        return late
