"""Titles of classes by id: asked of staffstuddash, and kept for minutes.

A course of dropout is a class of the roster by its id, which may be a long code of another system.
"""

import asyncio
import time
from collections.abc import Iterable
from typing import TypeVar

from veritas_web.services.all import Services
from veritas_web.services.rest import Answer, Refused

K = TypeVar("K")
V = TypeVar("V")

KEPT_SECONDS = 600.0
_MAX_KNOWN = 20_000
# More unknown ones at once would make a page slow; the next pages ask for the rest.
_MOST_ASKED = 25


class ClassTitles:
    """Titles of the classes of one process; pages show them to readers who see the class.

    The absence of a title is kept by reader: another one may see the class.
    """

    def __init__(self) -> None:
        self._titles: dict[str, tuple[str, float]] = {}
        self._absent: dict[tuple[str | None, str], float] = {}

    async def of(self, services: Services, courses: Iterable[str | None]) -> dict[str, str]:
        """Return the titles by id; courses that are no classes, or are not known now, have none."""
        now = time.monotonic()
        wanted = [one for one in dict.fromkeys(courses) if one is not None]
        reader = services.staffstuddash.reader
        unknown = [one for one in wanted if not self._is_known(reader, one, now)]
        await asyncio.gather(*(self._ask(services, one, now) for one in unknown[:_MOST_ASKED]))
        return {one: self._titles[one][0] for one in wanted if one in self._titles}

    def _is_known(self, reader: str | None, course: str, now: float) -> bool:
        _, until = self._titles.get(course, ("", 0.0))
        return now < max(until, self._absent.get((reader, course), 0.0))

    async def _ask(self, services: Services, course: str, now: float) -> None:
        answer = await services.staffstuddash.get_class(course)
        if isinstance(answer, Answer):
            _keep(self._titles, course, (str(answer.data["title"]), now + KEPT_SECONDS))
        elif isinstance(answer, Refused):
            _keep(self._absent, (services.staffstuddash.reader, course), now + KEPT_SECONDS)


def _keep(known: dict[K, V], key: K, value: V) -> None:
    while len(known) >= _MAX_KNOWN:
        known.pop(next(iter(known)))
    known[key] = value
