"""Comparisons of talks, by reader and course, kept for minutes: they change once a week."""

import time

from veritas_web.services.all import Services
from veritas_web.services.rest import Away, Result

KEPT_SECONDS = 600.0
_MAX_KNOWN = 5_000


class FollowedTalks:
    """Comparisons of actions for the readers of one process."""

    def __init__(self) -> None:
        self._known: dict[tuple[str | None, str | None], tuple[Result, float]] = {}

    async def of(self, services: Services, course: str | None) -> Result:
        """Return the comparison in the reader's sight, also a refusal; course: None: of all."""
        key, now = (services.staffstuddash.reader, course), time.monotonic()
        found, until = self._known.get(key, (None, 0.0))
        if found is not None and now < until:
            return found
        answer = await services.staffstuddash.followed_actions(course=course)
        if isinstance(answer, Away):
            return answer
        while len(self._known) >= _MAX_KNOWN:
            self._known.pop(next(iter(self._known)))
        self._known[key] = answer, now + KEPT_SECONDS
        return answer
