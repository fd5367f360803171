"""Sources of events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitoring_service.database.counts import sources_counted
from monitoring_service.database.health import assess
from monitoring_service.domain.findings import HealthStatus
from monitoring_service.domain.health import NO_RECENT_EVENTS
from shared_db.clock import utc_now
from shared_db.queries.filters import Filter, conditions
from shared_db.queries.pagination import Keyset, Page
from shared_db.repository import Repository


@dataclass(frozen=True)
class Source:
    """Source with its latest event, its health now, and the numbers of its stored events.

    status and severity are None, for the reason beside them, if no event came lately.
    """

    source: str
    last_seen: datetime
    status: HealthStatus | None
    severity: float | None
    missing_because: str | None
    total: int
    normal: int
    warning: int
    critical: int


class SourceRepository(Repository):
    """Systems that send events."""

    def search(
        self, *, filters: Sequence[Filter] = (), after: str | None = None, limit: int = 100
    ) -> Page[Source]:
        """Return the sources by name: last heard, status now, counts.

        Raises:
            MalformedCursor: the cursor is not one of this list.

        """
        return self.read_filtered(
            lambda session: _page(session, filters, utc_now(), after=after, limit=limit)
        )


def _page(
    session: Session, filters: Sequence[Filter], now: datetime, *, after: str | None, limit: int
) -> Page[Source]:
    counted = sources_counted().subquery()
    columns = {name: counted.c[name] for name in counted.c.keys()}  # noqa: SIM118 - a collection of its own
    keyset = Keyset("sources", (counted.c.source,))
    query = select(*counted.c).where(*conditions(session, filters, columns))
    rows, following = keyset.rows(session, query, after=after, limit=limit)
    health = assess(session, now, [row.source for row in rows])
    sources = [
        Source(
            source=row[0],
            total=row[1],
            normal=row[2],
            warning=row[3],
            critical=row[4],
            last_seen=row[5],
            status=health.status_of_source(row[0]),
            severity=health.sources.get(row[0]),
            missing_because=None if row[0] in health.sources else NO_RECENT_EVENTS,
        )
        for row in rows
    ]
    return Page(sources, following)
