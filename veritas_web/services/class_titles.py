"""Titles of classes by id: asked of staffstuddash, and kept for minutes.

A course of dropout is a class of the roster by its id, which may be a long code of another system.
"""

import asyncio
import time
from collections.abc import Iterable

from veritas_web.services.all import Services
from veritas_web.services.rest import Answer, Away

KEPT_SECONDS = 600.0
_MAX_KNOWN = 20_000
# More unknown ones at once would make a page slow; the next pages ask for the rest.
_MOST_ASKED = 25


class ClassTitles:
    """Titles of the classes of one process; pages show them to readers who see the class."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str | None, float]] = {}

    async def of(self, services: Services, courses: Iterable[str | None]) -> dict[str, str]:
        """Return the titles by id; courses that are no classes, or are not known now, have none."""
        now = time.monotonic()
        wanted = [one for one in dict.fromkeys(courses) if one is not None]
        unknown = [one for one in wanted if self._known.get(one, ("", 0.0))[1] <= now]
        await asyncio.gather(*(self._ask(services, one, now) for one in unknown[:_MOST_ASKED]))
        found = {one: self._known[one][0] for one in wanted if one in self._known}
        return {one: title for one, title in found.items() if title is not None}

    async def _ask(self, services: Services, course: str, now: float) -> None:
        answer = await services.staffstuddash.get_class(course)
        if isinstance(answer, Away):
            return
        title = str(answer.data["title"]) if isinstance(answer, Answer) else None
        while len(self._known) >= _MAX_KNOWN:
            self._known.pop(next(iter(self._known)))
        self._known[course] = (title, now + KEPT_SECONDS)
