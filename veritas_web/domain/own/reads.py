"""Reads of a student's data by day and role, as the student sees them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from veritas_web.domain.marked import N_

Data = Mapping[str, Any]

SYSTEM = "system"
_STUDENT = "student"
_MOST_LINES = 60

ROLES: Mapping[str, str] = {
    SYSTEM: N_("A system of the school"),
    "admin": N_("Administration"),
    "principal": N_("Head of the school"),
    "advisor": N_("Advisor"),
    "teacher": N_("Teacher"),
}


@dataclass(frozen=True)
class ReadLine:
    """Reads of one day by callers of one role; a role of the school has its own name."""

    day: date
    role: str
    count: int


@dataclass(frozen=True)
class Reads:
    """Lines, the latest day first. since: the first listed day if there are earlier reads."""

    lines: Sequence[ReadLine]
    since: date | None


def reads_of(pages: Iterable[Data], zone: ZoneInfo) -> Reads:
    """Return the reads of pages of both services, without those of the student."""
    counts: Counter[tuple[date, str]] = Counter()
    begins: list[date] = []
    for page in pages:
        days = [_day(read, zone) for read in page["items"]]
        if page["next"] and days:
            begins.append(days[-1])
        for day, read in zip(days, page["items"], strict=True):
            if read["kind"] != _STUDENT:
                counts[day, _role(read)] += 1
    # Before that day one of the services has further reads.
    since = max(begins, default=None)
    lines = [
        ReadLine(day, role, count)
        for (day, role), count in sorted(
            counts.items(), key=lambda one: (-one[0][0].toordinal(), one[0][1])
        )
        if since is None or day >= since
    ]
    if len(lines) > _MOST_LINES:
        lines = lines[:_MOST_LINES]
        since = lines[-1].day
    return Reads(lines, since)


def _role(read: Data) -> str:
    if read["kind"] == SYSTEM:
        return SYSTEM
    return ", ".join(read["roles"]) or SYSTEM


def _day(read: Data, zone: ZoneInfo) -> date:
    return datetime.fromisoformat(read["read_at"]).astimezone(zone).date()
