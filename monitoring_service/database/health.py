"""Health of the systems now, and its history minute by minute."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from monitoring_service.database.history.source_states import extend_states
from monitoring_service.domain.findings import HealthStatus
from monitoring_service.domain.health import (
    WINDOW_MINUTES,
    Health,
    SourceMinute,
    health_of,
    health_status,
)
from monitoring_service.models import MonitoringLog, SystemHealth
from shared_db.clock import utc_now
from shared_db.queries.dialects import dialect_of
from shared_db.queries.filters import Columns, Filter, conditions
from shared_db.queries.pagination import Keyset, Page
from shared_db.repository import Repository

HEALTH_BY_TIME = Keyset("health", (SystemHealth.minute,), is_descending=True)

HEALTH_COLUMNS: Columns = {
    "minute": SystemHealth.minute,
    "status": SystemHealth.overall_status,
    "severity": SystemHealth.severity,
}

# Senders' clocks may be ahead by as much as an event's timestamp may be.
_AHEAD = timedelta(minutes=5)


class SystemHealthRepository(Repository):
    """Health of the systems, now and in the past."""

    def assess(self) -> Health:
        """Return the health now, by source; see `domain.health.health_of`."""
        return self.read(lambda session: assess(session, utc_now()))

    def current_status(self) -> tuple[HealthStatus | None, float | None]:
        """Return the status now and its severity, 0 to 1; None if no event came lately."""
        health = self.assess()
        return health.status, health.severity

    def record(self, now: datetime | None = None) -> SystemHealth:
        """Insert this minute's health once, whichever process comes first, and return it."""
        return self.write(lambda session: _insert_snapshot(session, now or utc_now()))

    def history(
        self,
        *,
        filters: Sequence[Filter] = (),
        after: str | None = None,
        limit: int = 100,
        count: bool = True,
    ) -> tuple[Page[SystemHealth], int | None]:
        """Return the health by minute, the latest first, and the number of minutes in all.

        Raises:
            MalformedCursor: the cursor is not one of this list.

        """

        def query(session: Session) -> tuple[Page[SystemHealth], int | None]:
            query = select(SystemHealth).where(*conditions(session, filters, HEALTH_COLUMNS))
            counted = select(func.count()).select_from(query.subquery())
            total = session.scalar(counted) if count else None
            return HEALTH_BY_TIME.page(session, query, after=after, limit=limit), total

        return self.read_filtered(query)


def assess(session: Session, now: datetime, sources: Iterable[str] | None = None) -> Health:
    """Return the health as of `now`, of these sources or of all."""
    return health_of(recent_minutes(session, now, sources))


def recent_minutes(
    session: Session, now: datetime, sources: Iterable[str] | None = None
) -> list[SourceMinute]:
    """Return the minutes of the last `WINDOW_MINUTES`, of these sources or of all."""
    minute = dialect_of(session).epoch_seconds(MonitoringLog.timestamp) // 60
    query = (
        select(
            MonitoringLog.source,
            minute.label("minute"),
            MonitoringLog.status,
            func.count(),
            func.sum(MonitoringLog.severity),
        )
        .where(
            MonitoringLog.timestamp > now - timedelta(minutes=WINDOW_MINUTES),
            MonitoringLog.timestamp <= now + _AHEAD,
        )
        .group_by(MonitoringLog.source, "minute", MonitoringLog.status)
    )
    if sources is not None:
        query = query.where(MonitoringLog.source.in_(list(sources)))
    return _minutes(session.execute(query).all(), now)


def _minutes(rows: Iterable[Any], now: datetime) -> list[SourceMinute]:
    counts: dict[tuple[str, int], dict[HealthStatus, int]] = defaultdict(dict)
    severities: dict[tuple[str, int], float] = defaultdict(float)
    for source, minute, status, count, severity in rows:
        counts[source, int(minute)][status] = count
        severities[source, int(minute)] += severity
    present = now.timestamp() // 60
    return [
        SourceMinute(source, max(present - minute, 0.0), by_status, severities[source, minute])
        for (source, minute), by_status in counts.items()
    ]


def _insert_snapshot(session: Session, now: datetime) -> SystemHealth:
    """Insert the health of this minute and return it; another process's, if that came first."""
    minute = now.replace(second=0, microsecond=0)
    known = session.get(SystemHealth, minute)
    if known is not None:
        return known
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    health = assess(session, now)
    insert = dialect.insert(SystemHealth).on_conflict_do_nothing(index_elements=["minute"])
    is_ours = session.execute(
        insert.values(_snapshot(health, minute, now)).returning(SystemHealth.minute)
    ).first()
    if is_ours is not None:
        statuses = {source: health_status(each) for source, each in health.sources.items()}
        extend_states(session, minute, statuses)
    return session.get_one(SystemHealth, minute)


def _snapshot(health: Health, minute: datetime, now: datetime) -> dict[str, Any]:
    counts = {f"{status.lower()}_count": count for status, count in health.counts.items()}
    return {
        "minute": minute,
        "timestamp": now,
        "overall_status": health.status,
        "severity": health.severity,
        "window_minutes": WINDOW_MINUTES,
        **counts,
    }
