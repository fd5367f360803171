"""SQL that inserts judged events, with their results and counts."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, insert, inspect
from sqlalchemy.orm import Session

from monitoring_service.database.counts import increment_counts, key_of_row
from monitoring_service.database.event_keys import event_key, find_events
from monitoring_service.database.incidents.queue import queue_events
from monitoring_service.database.rollups.marks import mark_hours
from monitoring_service.domain.findings import HealthStatus
from monitoring_service.domain.rules import Verdict, judge
from monitoring_service.domain.thresholds import Threshold
from monitoring_service.errors import EventExists, EventTooOld
from monitoring_service.models import EventKey, MonitoringLog, MonitoringResult
from shared_db.columns import Row
from shared_db.errors import ServiceError
from shared_db.ids import new_id
from shared_db.ingest_repository import Received
from shared_db.results import InsertResult, Outcome, refused
from shared_db.writes.copy_from import COPY_MIN_ROWS, bulk_insert, copy_rows
from shared_db.writes.idempotent_insert import content_digest_and_size, insert_many_idempotent

_LOG_TABLE = cast("Table", inspect(MonitoringLog).local_table)
_INSERT_LOG = insert(_LOG_TABLE)
_LOG_COLUMNS = [(each.key, each.columns[0].key) for each in inspect(MonitoringLog).column_attrs]

# The thresholds in force for a source.
Rules = Callable[[str], Sequence[Threshold]]


# Not frozen, which would make its constructor take three times as long for each item of a batch.
@dataclass
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
    accepted_at: datetime | None = None


def to_row(event: EventToStore, now: datetime) -> Received:
    """Return the row of an event that came at `now`, not yet judged."""
    sent = dict(vars(event))
    event_id = sent.pop("event_id")
    at = sent.pop("accepted_at") or now
    digest, size = content_digest_and_size(sent)
    event_id = event_id or new_id()
    row = {
        "id": event_id,
        "key": event_key(event_id),
        "source": event.source,
        "component": event.component,
        "event_type": event.event_type,
        "message": event.message,
        "data": event.data,
        "context": event.metadata,
        "timestamp": event.timestamp or at,
        "created_at": at,
        "digest": digest,
    }
    return Received(row, size)


def insert_each(
    session: Session, rows: Sequence[Row], rules: Rules, oldest: datetime | None
) -> list[MonitoringLog | ServiceError]:
    """Insert the new events and return each as stored, with its result, or its refusal.

    The result is None when NORMAL.
    """
    results = insert_events(session, rows, rules, oldest)
    repeated = find_events(session, [r.id for r in results if r.outcome is Outcome.REPEATED])

    def answer(row: Row, result: InsertResult) -> MonitoringLog | ServiceError:
        outcome = result.outcome
        if result.refusal is not None:
            return result.refusal
        if outcome is Outcome.CONFLICT:
            return EventExists(row["id"])
        if outcome is Outcome.REPEATED and row["id"] in repeated:
            repeated[row["id"]].is_replay = True
            return repeated[row["id"]]
        log = MonitoringLog()
        # Set one by one, attributes record their history, which takes five times as long.
        vars(log).update(row)
        vars(log)["result"] = MonitoringResult(**row["result"]) if row["result"] else None
        # A stored event that was deleted meanwhile: the digests were equal.
        log.is_replay = outcome is Outcome.REPEATED
        return log

    return list(map(answer, rows, results))


def insert_events(
    session: Session, rows: Sequence[Row], rules: Rules, oldest: datetime | None
) -> list[InsertResult]:
    """Judge the events and insert the new ones; return the results in order.

    oldest: earlier events are refused, because their keys are no longer kept.
    """
    young = [row for row in rows if oldest is None or row["timestamp"] >= oldest]
    for row in young:
        _judge(row, rules)
    keys: list[Row] = [
        {"id": row["key"], "timestamp": row["timestamp"], "digest": row["digest"]} for row in young
    ]
    found = insert_many_idempotent(session, EventKey, keys)
    results = [one._replace(id=row["id"]) for row, one in zip(young, found, strict=True)]
    new = [row for row, result in zip(young, results, strict=True) if result.is_stored]
    _insert_logs(session, new)
    reasons = [row["result"] for row in new if row["result"] is not None]
    bulk_insert(session, MonitoringResult, reasons)
    queue_events(session, reasons)
    mark_hours(session, (row["timestamp"] for row in new))
    # Last, because from here on until the commit other writers of these sources wait.
    increment_counts(session, Counter(map(key_of_row, new)))
    if oldest is None or len(young) == len(rows):
        return results
    following = iter(results)
    return [
        next(following)
        if row["timestamp"] >= oldest
        else refused(row["id"], EventTooOld(row["id"], oldest))
        for row in rows
    ]


def _insert_logs(session: Session, rows: Sequence[Row]) -> None:
    if len(rows) >= COPY_MIN_ROWS and session.get_bind().dialect.name == "postgresql":
        copy_rows(session, MonitoringLog, rows)
    elif rows:
        # Not by the session: its bulk insert takes several times as long for a few rows.
        values = [{column: row[name] for name, column in _LOG_COLUMNS} for row in rows]
        session.connection().execute(_INSERT_LOG, values)


def _judge(row: Row, rules: Rules) -> None:
    verdict = judge(row["data"] or {}, rules(row["source"]))
    row["status"], row["severity"] = verdict.status, verdict.severity
    row["result"] = result_row(row["id"], row["timestamp"], verdict)


def result_row(event_id: str, timestamp: datetime, verdict: Verdict) -> Row | None:
    """Return the row that says why an event is not NORMAL, None when it is."""
    if verdict.status is HealthStatus.NORMAL:
        return None
    return {
        "event_id": event_id,
        "timestamp": timestamp,
        "status": verdict.status,
        "severity_score": verdict.severity,
        "reasoning": verdict.reasoning,
        "detected_issues": [finding.issue for finding in verdict.findings],
        "failed_rules": [finding.rule for finding in verdict.findings],
        "suggestions": [finding.suggestion for finding in verdict.findings],
    }
