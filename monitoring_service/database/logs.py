"""Stored events: searched, found by their id, and counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Boolean, ColumnElement, Select, func, select, text
from sqlalchemy.orm import Session, joinedload

from monitoring_service.database.counts import Statistics, statistics
from monitoring_service.database.event_keys import find_event, instant_of, instants_of
from monitoring_service.database.events import EVENT
from monitoring_service.domain.findings import HealthStatus
from monitoring_service.errors import LogNotFound
from monitoring_service.models import MESSAGE_WORDS, MonitoringLog
from shared_db.clock import utc_now
from shared_db.queries.dialects import Sqlite, dialect_of
from shared_db.queries.filters import Columns, Filter, Operator, conditions
from shared_db.queries.pagination import Keyset, Page
from shared_db.repository import Repository
from shared_db.words import websearch

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
    """Conditions of a search; None matches all events. Times: from, and before."""

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
        query = query.where(*conditions(session, self.filters, LOG_COLUMNS))
        return query.where(*map(_at_the_instants, filter(_names_events, self.filters)))


def _names_events(filter_: Filter) -> bool:
    return filter_.field == "event_id" and filter_.operator in {Operator.EQ, Operator.IN}


def _at_the_instants(filter_: Filter) -> ColumnElement[bool]:
    """Return the condition by which ids are found: no index of the events has them."""
    if filter_.operator is Operator.EQ:
        return MonitoringLog.timestamp == instant_of(filter_.value)
    return MonitoringLog.timestamp.in_(instants_of(filter_.value))


def _has_words(session: Session, wanted: str) -> ColumnElement[bool]:
    if isinstance(dialect_of(session), Sqlite):
        return func.has_words(MonitoringLog.message, wanted, type_=Boolean())
    return MESSAGE_WORDS.op("@@")(func.websearch_to_tsquery(text("'simple'"), websearch(wanted)))


class LogRepository(Repository):
    """Stored events."""

    def search(
        self,
        *,
        source: str | None = None,
        component: str | None = None,
        event_type: str | None = None,
        status: HealthStatus | None = None,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        text: str | None = None,
        filters: Sequence[Filter] = (),
        after: str | None = None,
        offset: int = 0,
        limit: int = 100,
        count: bool = True,
    ) -> tuple[Page[MonitoringLog], int | None]:
        """Return a page of events, the latest first, and the number of all that match.

        start_time, end_time: from, and before. text: words of the message, as in web searches.
        offset: events left out first, each of which is read; the cursor `after` costs nothing.
        count: counting reads every matching event; without it the second value is None.

        Raises:
            MalformedCursor: the cursor is not one of this list.
            QueryTooExpensive: the query takes longer than one statement may.

        """
        search = LogSearch(
            source, component, event_type, status, start_time, end_time, text, filters
        )

        def query(session: Session) -> tuple[Page[MonitoringLog], int | None]:
            query = search.query(session)
            counted = select(func.count()).select_from(query.subquery())
            total = session.scalar(counted) if count else None
            query = query.options(joinedload(MonitoringLog.result)).offset(offset or None)
            return LOGS_BY_TIME.loaded(session, query, after=after, limit=limit), total

        return self.read_filtered(query)

    def get(self, event_id: str) -> MonitoringLog:
        """Return one event with its result.

        Raises:
            LogNotFound: no event has that id.

        """
        return self.get_or_spooled(EVENT, event_id, lambda session: _get(session, event_id))

    def recent(self, lookback_minutes: float = 60, limit: int = 1000) -> Page[MonitoringLog]:
        """Return the events of the last minutes, the latest first, at most `limit`."""
        since = utc_now() - timedelta(minutes=lookback_minutes)
        return self.search(start_time=since, limit=limit, count=False)[0]

    def statistics(self) -> Statistics:
        """Return the number of events, per status, of their sources, and from when they are."""
        return self.read(statistics)


def _get(session: Session, event_id: str) -> MonitoringLog:
    log = find_event(session, event_id)
    if log is None:
        raise LogNotFound(event_id)
    return log
