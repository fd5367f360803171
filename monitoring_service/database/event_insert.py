"""SQL that inserts judged events, with their results and counts."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from monitoring_service.database.counts import increment_counts, key_of_row
from monitoring_service.domain.findings import HealthStatus
from monitoring_service.domain.rules import Verdict, judge
from monitoring_service.domain.thresholds import Threshold
from monitoring_service.errors import EventExists
from monitoring_service.models import MonitoringLog, MonitoringResult
from shared_db.columns import Row
from shared_db.errors import ServiceError
from shared_db.ids import new_id
from shared_db.ingest_repository import Received
from shared_db.results import InsertResult, Outcome
from shared_db.writes.copy_from import bulk_insert
from shared_db.writes.idempotent_insert import content_digest_and_size, insert_many_idempotent

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
    row = {
        "id": event_id or new_id(),
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
    session: Session, rows: Sequence[Row], rules: Rules
) -> list[MonitoringLog | ServiceError]:
    """Insert the new events and return each as stored, with its result, or its refusal.

    The result is None when NORMAL.
    """
    pairs = list(zip(rows, insert_events(session, rows, rules), strict=True))
    repeated = _stored(session, [o.id for _, o in pairs if o.outcome is Outcome.REPEATED])

    def answer(row: Row, outcome: Outcome) -> MonitoringLog | ServiceError:
        if outcome is Outcome.CONFLICT:
            return EventExists(row["id"])
        if outcome is Outcome.REPEATED and row["id"] in repeated:
            return repeated[row["id"]]
        log = MonitoringLog()
        # Set one by one, attributes record their history, which takes five times as long.
        vars(log).update(row)
        vars(log)["result"] = MonitoringResult(**row["result"]) if row["result"] else None
        # A stored event that was deleted meanwhile: the digests were equal.
        log.is_replay = outcome is Outcome.REPEATED
        return log

    return [answer(row, result.outcome) for row, result in pairs]


def insert_events(session: Session, rows: Sequence[Row], rules: Rules) -> list[InsertResult]:
    """Judge the events and insert the new ones; return the results in order."""
    for row in rows:
        _judge(row, rules)
    results = insert_many_idempotent(session, MonitoringLog, rows)
    new = [row for row, result in zip(rows, results, strict=True) if result.is_stored]
    reasons = [row["result"] for row in new if row["result"] is not None]
    bulk_insert(session, MonitoringResult, reasons)
    # Last, because from here on until the commit other writers of these sources wait.
    increment_counts(session, Counter(map(key_of_row, new)))
    return results


def _judge(row: Row, rules: Rules) -> None:
    verdict = judge(row["data"] or {}, rules(row["source"]))
    row["status"], row["severity"] = verdict.status, verdict.severity
    row["result"] = result_row(row["id"], verdict)


def _stored(session: Session, ids: Sequence[str]) -> dict[str, MonitoringLog]:
    if not ids:
        return {}
    query = select(MonitoringLog).where(MonitoringLog.id.in_(ids))
    logs = session.scalars(query.options(joinedload(MonitoringLog.result))).all()
    for log in logs:
        log.is_replay = True
    return {log.id: log for log in logs}


def result_row(event_id: str, verdict: Verdict) -> Row | None:
    """Return the row that says why an event is not NORMAL, None when it is."""
    if verdict.status is HealthStatus.NORMAL:
        return None
    return {
        "event_id": event_id,
        "status": verdict.status,
        "severity_score": verdict.severity,
        "reasoning": verdict.reasoning,
        "detected_issues": [finding.issue for finding in verdict.findings],
        "failed_rules": [finding.rule for finding in verdict.findings],
        "suggestions": [finding.suggestion for finding in verdict.findings],
    }
