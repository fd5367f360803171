"""Looking for events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, select, text
from sqlalchemy.orm import Session, joinedload

from monitoring_service.domain.findings import HealthStatus
from monitoring_service.models import MESSAGE_WORDS, MonitoringLog
from shared_db.dialects import Sqlite, dialect_of
from shared_db.filtering import Columns, Filter, conditions
from shared_db.paging import Keyset, Page

LOGS_BY_TIME = Keyset("logs", (MonitoringLog.timestamp, MonitoringLog.id), is_descending=True)

LOG_COLUMNS: Columns = {
    "event_id": MonitoringLog.id,
    "source": MonitoringLog.source,
    "component": MonitoringLog.component,
    "event_type": MonitoringLog.event_type,
    "message": MonitoringLog.message,
    "status": MonitoringLog.status,
    "severity": MonitoringLog.severity,
    "timestamp": MonitoringLog.timestamp,
    "created_at": MonitoringLog.created_at,
    "data": MonitoringLog.data,
    "metadata": MonitoringLog.context,
}


@dataclass(frozen=True)
class LogSearch:
    """Which events are looked for; what is None does not matter. Times: from, and before."""

    source: str | None = None
    component: str | None = None
    event_type: str | None = None
    status: HealthStatus | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    text: str | None = None
    filters: Sequence[Filter] = ()

    def query(self, session: Session) -> Select[MonitoringLog]:
        """Return the query of these events."""
        equal = {
            MonitoringLog.source: self.source,
            MonitoringLog.component: self.component,
            MonitoringLog.event_type: self.event_type,
            MonitoringLog.status: self.status,
        }
        query = select(MonitoringLog).where(*(c == v for c, v in equal.items() if v is not None))
        if self.start_time is not None:
            query = query.where(MonitoringLog.timestamp >= self.start_time)
        if self.end_time is not None:
            query = query.where(MonitoringLog.timestamp < self.end_time)
        if self.text is not None:
            query = query.where(_has_words(session, self.text))
        return query.where(*conditions(session, self.filters, LOG_COLUMNS))


def _has_words(session: Session, wanted: str) -> ColumnElement[bool]:
    if isinstance(dialect_of(session), Sqlite):
        return func.instr(func.lower(MonitoringLog.message), func.lower(wanted)) > 0
    return MESSAGE_WORDS.op("@@")(func.websearch_to_tsquery(text("'simple'"), wanted))


def count_logs(session: Session, search: LogSearch) -> int:
    """Return how many events there are; reads every one of them."""
    return session.scalar(select(func.count()).select_from(search.query(session).subquery())) or 0


def page_of_logs(
    session: Session, search: LogSearch, *, after: str | None, offset: int, limit: int
) -> Page[MonitoringLog]:
    """Return a page with the results loaded, the latest first."""
    query = search.query(session).options(joinedload(MonitoringLog.result))
    if offset:
        query = query.offset(offset)
    return LOGS_BY_TIME.page(session, query, after=after, limit=limit)
