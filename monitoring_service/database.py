"""The manager of this service: every query on its tables."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.orm.attributes import set_committed_value

from monitoring_service.domain.rules import HealthStatus, Verdict, judge
from monitoring_service.errors import EventExists, LogNotFound
from monitoring_service.models import Base, MonitoringLog, MonitoringResult
from monitoring_service.settings import Settings
from shared_db.clock import utc_now
from shared_db.database import Database
from shared_db.filtering import Columns, Filter, conditions
from shared_db.ids import new_id
from shared_db.naming import Outcome, digest_of, store_named, store_one
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
class EventToStore:
    """An event before it is judged; without an id one is made, without a time it is now."""

    source: str
    event_type: str
    component: str | None = None
    message: str | None = None
    data: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    timestamp: datetime | None = None
    event_id: str | None = None


class MonitoringDatabase:
    """Events of the systems, judged as they come. Each method is one unit of work."""

    def __init__(self, database: Database | None = None) -> None:
        self.database = database or Database.from_settings(
            "monitoring", Base.metadata, Settings.load
        )
        self.get_session = self.database.get_session

    @property
    def use_fallback(self) -> bool:
        """Tell whether the in-memory store answers."""
        return self.database.use_fallback

    def add_log(self, event: EventToStore) -> MonitoringLog:
        """Judge and store one event; its result is loaded, None when NORMAL.

        Raises:
            EventExists: the id is stored with other content.

        """
        row, verdict = _judged(event, utc_now())
        with self.database.unit_of_work() as session:
            stored = store_one(session, row, EventExists)
            if stored.is_repeat:
                set_committed_value(stored, "result", session.get(MonitoringResult, row.id))
                return stored
            results = _results([(row, verdict)])
            session.add_all(results)
            set_committed_value(row, "result", results[0] if results else None)
            return row

    def add_logs(self, events: Sequence[EventToStore]) -> tuple[list[str], list[Outcome]]:
        """Judge and store many events in one unit of work; return ids and outcomes in order."""
        now = utc_now()
        judged = [_judged(event, now) for event in events]
        rows = [row for row, _ in judged]
        with self.database.unit_of_work() as session:
            outcomes = store_named(session, rows)
            new = [pair for pair, o in zip(judged, outcomes, strict=True) if o is Outcome.STORED]
            session.add_all(_results(new))
        return [row.id for row in rows], outcomes

    def get_logs(
        self,
        *,
        source: str | None = None,
        filters: Sequence[Filter] = (),
        after: str | None = None,
        limit: int = 100,
        count: bool = True,
    ) -> tuple[Page[MonitoringLog], int | None]:
        """Return a page of events, the latest first, and how many there are in all.

        count: counting reads every row that fits; without it the second value is None.

        Raises:
            MalformedCursor: the cursor is not one of this list.

        """
        query = select(MonitoringLog)
        if source is not None:
            query = query.where(MonitoringLog.source == source)
        with self.database.searching() as session:
            query = query.where(*conditions(session, filters, LOG_COLUMNS))
            total = None
            if count:
                total = session.scalar(select(func.count()).select_from(query.subquery()))
            logs = query.options(joinedload(MonitoringLog.result))
            return LOGS_BY_TIME.page(session, logs, after=after, limit=limit), total

    def get_log_by_id(self, event_id: str) -> MonitoringLog:
        """Return one event with its result.

        Raises:
            LogNotFound: no event has that id.

        """
        with self.database.reading() as session:
            return _log(session, event_id)


def _log(session: Session, event_id: str) -> MonitoringLog:
    log = session.get(MonitoringLog, event_id, options=[joinedload(MonitoringLog.result)])
    if log is None:
        raise LogNotFound(event_id)
    return log


def _judged(event: EventToStore, now: datetime) -> tuple[MonitoringLog, Verdict]:
    verdict = judge(event.data or {})
    sent = asdict(event)
    event_id = sent.pop("event_id")
    row = MonitoringLog(
        **{name: value for name, value in sent.items() if name not in ("metadata", "timestamp")},
        id=event_id or new_id(),
        context=event.metadata,
        timestamp=event.timestamp or now,
        created_at=now,
        status=verdict.status,
        severity=verdict.severity,
        digest=digest_of(sent),
    )
    return row, verdict


def _results(judged: Sequence[tuple[MonitoringLog, Verdict]]) -> list[MonitoringResult]:
    return [
        MonitoringResult(
            event_id=row.id,
            status=verdict.status,
            severity_score=verdict.severity,
            reasoning=verdict.reasoning,
            detected_issues=[finding.issue for finding in verdict.findings],
            failed_rules=[finding.rule for finding in verdict.findings],
            suggestions=[finding.suggestion for finding in verdict.findings],
        )
        for row, verdict in judged
        if verdict.status is not HealthStatus.NORMAL
    ]


monitoring_db = MonitoringDatabase()
