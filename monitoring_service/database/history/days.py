"""Health by day, summed up from the stored minutes and periods."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from sqlalchemy import CTE, Integer, Select, case, column, func, select, values
from sqlalchemy.orm import Session

from monitoring_service.database.history.source_states import LONGEST
from monitoring_service.domain.findings import HealthStatus
from monitoring_service.domain.health_days import (
    DayBounds,
    HealthDay,
    health_day,
    last_days,
    trouble_of,
)
from monitoring_service.models import SourceState, SystemHealth
from shared_db.clock import utc_now
from shared_db.columns import UtcDateTime
from shared_db.queries.dialects import dialect_of
from shared_db.repository import Repository

MOST_SOURCES = 50

_Minutes = Mapping[HealthStatus, int]


@dataclass(frozen=True)
class SourceDays:
    """Days of one source."""

    source: str
    days: Sequence[HealthDay]


@dataclass(frozen=True)
class HealthDays:
    """Days of all systems together, and of each source.

    sources: those with most trouble first, at most `MOST_SOURCES` of `source_count`.
    """

    days: Sequence[HealthDay]
    sources: Sequence[SourceDays]
    source_count: int


class HealthDayRepository(Repository):
    """Health by day."""

    def get(self, count: int, zone: tzinfo, now: datetime | None = None) -> HealthDays:
        """Return the last days in the zone, the present one last."""
        at = now or utc_now()
        bounds = last_days(at, count, zone)
        return self.read(lambda session: _days(session, bounds, at))


def _days(session: Session, bounds: Sequence[DayBounds], now: datetime) -> HealthDays:
    whole = _by_day((*row, "") for row in session.execute(_minutes_query(bounds)))[""]
    by_source = _by_day(session.execute(_periods_query(session, bounds)))
    sources = [
        SourceDays(source, _health(bounds, minutes, now)) for source, minutes in by_source.items()
    ]
    sources.sort(key=lambda one: ([-each for each in trouble_of(one.days)], one.source))
    return HealthDays(_health(bounds, whole, now), sources[:MOST_SOURCES], len(sources))


def _by_day(rows: Iterable[Any]) -> Mapping[str, Mapping[int, dict[HealthStatus, int]]]:
    found: dict[str, dict[int, dict[HealthStatus, int]]] = defaultdict(lambda: defaultdict(dict))
    for place, status, minutes, source in rows:
        found[source][place][status] = int(minutes)
    return found


def _health(
    bounds: Sequence[DayBounds], minutes: Mapping[int, _Minutes], now: datetime
) -> list[HealthDay]:
    return [health_day(day, minutes.get(place, {}), now) for place, day in enumerate(bounds)]


def _bounds(bounds: Sequence[DayBounds]) -> CTE:
    names = ("starts", "ends", "last_until")
    columns = (column(name, UtcDateTime) for name in names)
    rows = [(place, day.start, day.end, day.end + LONGEST) for place, day in enumerate(bounds)]
    return values(column("place", Integer), *columns, name="bounds").data(rows).cte("days")


def _minutes_query(bounds: Sequence[DayBounds]) -> Select[*tuple[Any, ...]]:
    days = _bounds(bounds)
    is_of_day = (SystemHealth.minute >= days.c.starts) & (SystemHealth.minute < days.c.ends)
    return (
        select(days.c.place, SystemHealth.overall_status, func.count())
        .join_from(days, SystemHealth, is_of_day)
        .where(SystemHealth.overall_status.is_not(None))
        .group_by(days.c.place, SystemHealth.overall_status)
    )


def _periods_query(session: Session, bounds: Sequence[DayBounds]) -> Select[*tuple[Any, ...]]:
    days, seconds = _bounds(bounds), dialect_of(session).epoch_seconds
    first = case((SourceState.since < days.c.starts, days.c.starts), else_=SourceState.since)
    last = case((SourceState.until > days.c.ends, days.c.ends), else_=SourceState.until)
    minutes = func.sum(seconds(last) - seconds(first)) / 60
    # The last condition follows from the length of periods, and lets the index be used.
    overlaps = (
        (SourceState.until > days.c.starts)
        & (SourceState.since < days.c.ends)
        & (SourceState.until < days.c.last_until)
    )
    return (
        select(days.c.place, SourceState.status, minutes, SourceState.source)
        .join_from(days, SourceState, overlaps)
        .group_by(days.c.place, SourceState.status, SourceState.source)
    )
