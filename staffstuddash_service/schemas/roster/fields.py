"""Types of fields of the roster: days, and lists of ids and labels."""

import re
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from shared_db.clock import utc_now
from shared_web.requests.fields import Id, Label, Out

_FIRST_YEAR, _YEARS_AHEAD = 1900, 100
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOST_ITEMS = 50


def _require_day_format(value: object) -> object:
    # Numbers would be read as seconds since 1970, and instants cut off.
    if isinstance(value, date) or (isinstance(value, str) and _DAY.fullmatch(value)):
        return value
    raise ValueError("must be a day as 2026-01-31")


def _within_supported_years(value: date) -> date:
    if not _FIRST_YEAR <= value.year <= utc_now().year + _YEARS_AHEAD:
        raise ValueError(f"must not be before {_FIRST_YEAR} or more than 100 years ahead")
    return value


def _distinct(values: list[Any]) -> list[Any]:
    return list(dict.fromkeys(values))


Day = Annotated[
    date,
    Field(strict=False),
    BeforeValidator(_require_day_format),
    AfterValidator(_within_supported_years),
]
Ids = Annotated[list[Id], Field(max_length=_MOST_ITEMS), AfterValidator(_distinct)]
Labels = Annotated[list[Label], Field(max_length=_MOST_ITEMS), AfterValidator(_distinct)]


class SourcedOut(Out):
    """Row of the roster; `source` is the import that maintains it, `manual` for none."""

    source: str
    created_at: datetime
    updated_at: datetime


class KeptOut(SourcedOut):
    """Row that stays when it has ended."""

    id: str
    ended_at: datetime | None
