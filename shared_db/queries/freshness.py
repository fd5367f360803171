"""Freshness of data that arrive again and again: days with rows, and the rule for stale data."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any

from sqlalchemy import Exists, exists

from shared_db.queries.dialects import Column

# Days that are looked at, the fewest of them with rows, and the least age of stale data.
DAYS = 60
MIN_DAYS = 5
MIN_STALE_DAYS = 3
_GAPS = 3


def recent_days(now: datetime) -> list[date]:
    """Return the days (UTC) that are looked at, the latest first."""
    today = now.astimezone(UTC).date()
    return [today - timedelta(days=number) for number in range(DAYS)]


def rows_of_days(column: Column, days: Sequence[date], *conditions: Any) -> list[Exists]:
    """Return an expression for each day, true if it has rows; each is one look into an index."""
    return [
        exists().where(column >= _start(day), column < _start(day + timedelta(days=1)), *conditions)
        for day in days
    ]


def is_stale(days: Sequence[date], now: datetime) -> bool | None:
    """Return True if the last row is older than three usual gaps, and than three days.

    days: those with rows, the latest first. The usual gap is the median of the days between two of
    them. None with fewer than five days: too little is known.
    """
    if len(days) < MIN_DAYS:
        return None
    gaps = [(later - earlier).days for later, earlier in pairwise(days)]
    age = (now.astimezone(UTC).date() - days[0]).days
    return age > max(MIN_STALE_DAYS, _GAPS * median(gaps))


def _start(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
