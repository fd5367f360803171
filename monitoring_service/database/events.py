"""Events as they come in: single ones share a transaction, a batch has its own."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from monitoring_service.database.event_insert import (
    EventToStore,
    Received,
    received,
    store_each,
    store_events,
)
from monitoring_service.database.thresholds import rules_for
from monitoring_service.domain.thresholds import Limits
from monitoring_service.errors import EventExists
from monitoring_service.models import MonitoringLog
from shared_db.clock import utc_now
from shared_db.columns import fill_row
from shared_db.errors import ServiceError
from shared_db.repository import Repository
from shared_db.spool.writes import (
    SpoolableType,
    insert_many_or_spool,
    insert_or_spool,
    insert_or_spool_async,
    write_deadline,
)
from shared_db.writes.group_commit import GroupCommit
from shared_db.writes.idempotent_insert import Outcome


def _row(event: EventToStore, now: datetime) -> MonitoringLog:
    row = received(event, now).row
    # The rules are in the database.
    fill_row(row, result=None)
    return row


def _give(manager: "Events", events: Sequence[EventToStore]) -> list[Outcome]:
    return manager.add_logs(events)[1]


def _pending(
    rows: Sequence[tuple[MonitoringLog, Outcome]],
) -> tuple[list[str], list[Outcome]]:
    return [row.id for row, _ in rows], [outcome for _, outcome in rows]


# Not ordered: events stand for themselves, and each has its time.
EVENT = SpoolableType(
    "monitoring-event",
    EventToStore,
    _row,
    EventExists,
    _give,
    is_ordered=False,
    id_field="event_id",
)


class Events(Repository):
    """Events taken in, and judged as they come."""

    limits: Mapping[str, Limits]
    commits: GroupCommit[Received, MonitoringLog]

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
        """Judge and store one event; its result is loaded, None when NORMAL.

        timestamp: when it happened, by default now. event_id: by default a new one.

        Raises:
            EventExists: the id is stored with other content.
            Overloaded: too many events wait to be written.

        """
        event = EventToStore(
            source, event_type, component, message, data, metadata, timestamp, event_id
        )
        return insert_or_spool(self.database, EVENT, event, self._write)

    async def add_log_async(self, event: EventToStore) -> MonitoringLog:
        """Do the same for a task, which holds no thread while it waits."""
        return await insert_or_spool_async(self.database, EVENT, event, self._write_async)

    def add_logs(self, events: Sequence[EventToStore]) -> tuple[list[str], list[Outcome]]:
        """Judge and store many events in one unit of work; return ids and outcomes in order."""
        return insert_many_or_spool(self.database, EVENT, events, self._write_many, _pending)

    def _write(self, event: EventToStore) -> MonitoringLog:
        came = received(event, utc_now())
        return self.commits.write(came, came.size)

    async def _write_async(self, event: EventToStore) -> MonitoringLog:
        came = received(event, utc_now())
        return await self.commits.write_async(came, came.size)

    def _write_many(self, events: Sequence[EventToStore]) -> tuple[list[str], list[Outcome]]:
        now = utc_now()
        rows = [received(event, now).row for event in events]
        with self.database.unit_of_work() as session:
            rules = rules_for(session, {row.source for row in rows}, self.limits)
            return [row.id for row in rows], store_events(session, rows, rules)

    def _store_waiting(self, waiting: Sequence[Received]) -> list[MonitoringLog | ServiceError]:
        rows = [came.row for came in waiting]
        with write_deadline(self.database), self.database.unit_of_work() as session:
            rules = rules_for(session, {row.source for row in rows}, self.limits)
            return store_each(session, rows, rules)
