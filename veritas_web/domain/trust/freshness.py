"""Freshness of each kind of data, rows in the spools, and refused rows of imports."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from veritas_web.domain.marked import N_
from veritas_web.domain.today import KINDS

Data = Mapping[str, Any]

JUDGED = "predictions"
# Of these the day is known, and no time.
_OF_DAYS = ("events", "submissions", "enrolments")
# Names of kinds on this page, also those of the whole school.
KIND_NAMES: Mapping[str, str] = {
    **KINDS,
    "students": N_("Students"),
    "roster": N_("Classes and staff"),
    "actions": N_("Actions"),
    "people": N_("Staff"),
    "classes": N_("Classes"),
    "assessments": N_("Marks"),
}
SERVICES: Mapping[str, str] = {
    "staffstuddash": N_("Students, marks and actions"),
    "dropout": N_("Learning events and places"),
}
# Of imports that stored nothing, perhaps before a row was read.
_STORED_NOTHING = {"refused", "failed"}


@dataclass(frozen=True)
class FreshRow:
    """Last rows of one kind; None: not known. course: None for the whole school.

    is_late: None if no rule applies, or too little is known.
    """

    course: str | None
    kind: str
    received: str | None
    latest: str | None
    is_late: bool | None

    @property
    def is_judgement(self) -> bool:
        """True for places: `latest` is the instant as of which they were made."""
        return self.kind == JUDGED

    @property
    def is_of_days(self) -> bool:
        """True if `latest` is a day without a time."""
        return self.course is not None and self.kind in _OF_DAYS


@dataclass(frozen=True)
class Spooled:
    """Rows in the spool of a service; None: not known, or not for this reader."""

    service: str
    waiting: int | None
    refused: int | None


def rows_of(items: Iterable[Data]) -> list[FreshRow]:
    """Return the rows, late ones first, then those that are not known to be in time."""
    found = [
        FreshRow(
            item.get("course"),
            item["kind"],
            item["last_received_at"],
            item["last_occurred_at"],
            item["is_stale"],
        )
        for item in items
    ]
    order = {True: 0, None: 1, False: 2}
    return sorted(found, key=lambda row: order[row.is_late])


def spooled_of(answers: Mapping[str, Data | None]) -> Sequence[Spooled]:
    """Return the rows in the spools by service; an answer of None is not known now."""
    return [
        Spooled(name, None, None)
        if answer is None
        else Spooled(name, answer["waiting"], answer["refused"])
        for name, answer in answers.items()
    ]


def refused_imports(jobs: Iterable[Data]) -> list[Data]:
    """Return the imports with refused rows, and those that were refused or failed as a whole."""
    return [job for job in jobs if job["refused"] or job["state"] in _STORED_NOTHING]
