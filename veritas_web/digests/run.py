"""Run over the recipients of a week's digest, each read in the person's own name."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from shared_db.clock import utc_now
from veritas_web.domain.school.digest import Language, digest_body, last_day
from veritas_web.domain.today import news_of, steps, student_ids
from veritas_web.errors import ServiceAway
from veritas_web.languages import locale_of, translations
from veritas_web.services.all import Clients, Services
from veritas_web.services.class_titles import ClassTitles
from veritas_web.services.rest import Answer, Away, Caller, Refused, Result
from veritas_web.sessions.seen import USUAL
from veritas_web.settings import Settings

logger = structlog.stdlib.get_logger("veritas.web")

_MOST_STEPS, _MOST_NAMES = 100, 1000


class DigestRefused(Exception):
    """Refusal of a digest by staffstuddash, with its reason."""


@dataclass(frozen=True)
class Digested:
    """Outcome for a person. text: of a dry run, None if there is nothing to say."""

    person_id: str
    was_sent: bool
    text: str | None


class DigestRun:
    """Digests of the present state, written with the key of the pages.

    top: number of first places of a course; students new among them are named.
    """

    def __init__(self, settings: Settings, clients: Clients, top: int = USUAL) -> None:
        key = settings.web_key
        self._key = key.get_secret_value() if key else None
        self._clients, self._top = clients, top
        self._titles = ClassTitles()
        self._address = settings.address
        self._zone = ZoneInfo(settings.school_timezone)
        code = settings.digest_language
        self._language = Language(translations(code), locale_of(code))

    async def recipients(self, week: date) -> list[str]:
        """Return the people who had no digest of the week yet, by id.

        Raises:
            ServiceAway: staffstuddash does not answer.
            DigestRefused: it refuses the key.

        """
        found = _accepted(await self._as(None).digests.recipients(week))
        return [one["person_id"] for one in found["items"]]

    async def send(self, week: date) -> int:
        """Send the digests of the week that are still to be sent; return the number of mails.

        Several processes may do this at once: each person gets one mail.

        Raises:
            ServiceAway: a service does not answer; the next run goes on.
            DigestRefused: staffstuddash sends no mails, or refuses the key.

        """
        count = 0
        for person_id in await self.recipients(week):
            count += (await self.write(week, person_id)).was_sent
        return count

    async def write(self, week: date, person_id: str, *, dry_run: bool = False) -> Digested:
        """Write the digest of one person; dry_run: return its text, send nothing.

        Raises:
            ServiceAway, DigestRefused: as `send`.

        """
        body = await self._body(week, person_id)
        put = await self._as(None).digests.put(week, person_id, body, dry_run=dry_run)
        stored = _accepted(put)
        return Digested(person_id, bool(stored["was_sent"]), stored["text"])

    async def _body(self, week: date, person_id: str) -> dict[str, Any]:
        services = self._as(person_id)
        planned, changes = await asyncio.gather(
            services.staffstuddash.planned_actions(
                assigned_to=person_id, due_until=last_day(week), limit=_MOST_STEPS
            ),
            services.dropout.changes(top=self._top),
        )
        actions, courses = _items(planned), _items(changes)
        names = await _names(services, student_ids(actions, courses))
        news = news_of(courses, names)
        titles = await self._titles.of(services, [one.course for one in news])
        today = utc_now().astimezone(self._zone).date()
        return digest_body(
            week, steps(actions, names, today), news, titles, self._language, self._address
        )

    def _as(self, person_id: str | None) -> Services:
        return self._clients.of(Caller.of(self._key, person_id))


async def _names(services: Services, ids: Sequence[str]) -> dict[str, str]:
    if not ids:
        return {}
    asked = ids[:_MOST_NAMES]
    found = _items(await services.staffstuddash.students(student_ids=asked, limit=len(asked)))
    return {one["id"]: one["name"] for one in found}


def _items(result: Result) -> list[Mapping[str, Any]]:
    """Return the items that the person may read: none of a refusal.

    Raises:
        ServiceAway: it is not known.

    """
    if isinstance(result, Away):
        raise ServiceAway(result.service)
    if isinstance(result, Refused):
        logger.info("digest without a part", status=result.status, reason=result.slug)
        return []
    return list(result.data["items"])


def _accepted(result: Result) -> Any:
    if isinstance(result, Answer):
        return result.data
    if isinstance(result, Away):
        raise ServiceAway(result.service)
    raise DigestRefused(f"{result.slug}: {result.detail}")
