"""Inserts of events: single ones share a transaction, a batch has its own."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from monitoring_service.database.event_insert import (
    EventToStore,
    insert_each,
    insert_events,
    to_row,
)
from monitoring_service.database.thresholds import rules_for
from monitoring_service.domain.thresholds import Limits
from monitoring_service.errors import EventExists
from monitoring_service.models import MonitoringLog
from shared_db.clock import utc_now
from shared_db.columns import Row
from shared_db.connection.database import Database
from shared_db.connection.persons import require_system
from shared_db.errors import ServiceError
from shared_db.ingest_repository import IngestRepository, Received
from shared_db.results import InsertResult
from shared_db.spool.access import SpoolAccess
from shared_db.spool.spoolable import SpoolableType


def _replay(manager: Any, events: Sequence[EventToStore]) -> list[InsertResult]:
    results: list[InsertResult] = manager.events.add_many(events)
    return results


def _spooled(event: EventToStore, now: datetime) -> Row:
    row = to_row(event, now).row
    del row["key"]
    return {**row, "result": None}


# Not ordered: events stand for themselves, and each has its time.
EVENT = SpoolableType(
    "monitoring-event",
    EventToStore,
    MonitoringLog,
    _spooled,
    EventExists,
    _replay,
    is_ordered=False,
    id_field="event_id",
)


class EventRepository(IngestRepository[EventToStore, MonitoringLog]):
    """Events, judged as they are inserted."""

    def __init__(
        self, database: Database, spool: SpoolAccess, limits: Callable[[], Mapping[str, Limits]]
    ) -> None:
        super().__init__(database, spool, EVENT, _receive, self._insert_each)
        self._limits = limits
        # Days for which events are kept; None: for good.
        self.kept_days: int | None = None

    def add(self, event: EventToStore) -> MonitoringLog:
        """Judge and insert one event; its result is loaded, None when NORMAL.

        Raises:
            EventExists: the id is stored with other content.
            EventTooOld: it is older than the days for which events are kept.
            Overloaded: too many events wait to be written.

        """
        return self.insert_grouped(event)

    def add_log(
        self,
        source: str,
        event_type: str,
        component: str | None = None,
        message: str | None = None,
        data: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
        timestamp: datetime | None = None,
        event_id: str | None = None,
    ) -> MonitoringLog:
        """Judge and insert one event of these values; see `add`."""
        return self.add(
            EventToStore(
                source, event_type, component, message, data, metadata, timestamp, event_id
            )
        )

    async def add_async(self, event: EventToStore) -> MonitoringLog:
        """Judge and insert one event as `add` does, without a thread while it waits."""
        return await self.insert_grouped_async(event)

    def add_many(self, events: Sequence[EventToStore]) -> list[InsertResult]:
        """Judge and insert a batch in one transaction; return the results in order.

        Raises:
            NotForPersons: the request is that of a person with limited sight.

        """
        require_system()
        return self.insert_many(EVENT, events, self._insert_many)

    def _insert_many(self, session: Session, events: Sequence[EventToStore]) -> list[InsertResult]:
        now = utc_now()
        rows = [to_row(event, now).row for event in events]
        rules = rules_for(session, {event.source for event in events}, self._limits())
        return insert_events(session, rows, rules, self._oldest(now))

    def _insert_each(
        self, session: Session, rows: Sequence[Row]
    ) -> Sequence[MonitoringLog | ServiceError]:
        rules = rules_for(session, {row["source"] for row in rows}, self._limits())
        return insert_each(session, rows, rules, self._oldest(utc_now()))

    def _oldest(self, now: datetime) -> datetime | None:
        if self.kept_days is None:
            return None
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return today - timedelta(days=self.kept_days)


def _receive(event: EventToStore) -> Received:
    return to_row(event, utc_now())
