"""Events judged and stored, with their results and counts."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from monitoring_service.database.counts import change_counts, key_of
from monitoring_service.domain.findings import HealthStatus
from monitoring_service.domain.rules import Verdict, judge
from monitoring_service.domain.thresholds import Threshold
from monitoring_service.errors import EventExists
from monitoring_service.models import MonitoringLog, MonitoringResult
from shared_db.columns import fill_row, row_of, values_of
from shared_db.errors import ServiceError
from shared_db.ids import new_id
from shared_db.writes.copy_from import bulk_insert
from shared_db.writes.idempotent_insert import (
    Outcome,
    content_digest_and_size,
    insert_many_idempotent,
)

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


class Received(NamedTuple):
    """An event as a row that is not yet judged, and how many bytes its JSON has."""

    row: MonitoringLog
    size: int


def received(event: EventToStore, now: datetime) -> Received:
    """Return the event as it came at `now`."""
    sent = dict(vars(event))
    event_id = sent.pop("event_id")
    at = sent.pop("accepted_at") or now
    digest, size = content_digest_and_size(sent)
    row = row_of(
        MonitoringLog,
        id=event_id or new_id(),
        source=event.source,
        component=event.component,
        event_type=event.event_type,
        message=event.message,
        data=event.data,
        context=event.metadata,
        timestamp=event.timestamp or at,
        created_at=at,
        digest=digest,
    )
    return Received(row, size)


def store_each(
    session: Session, rows: Sequence[MonitoringLog], rules: Rules
) -> list[MonitoringLog | ServiceError]:
    """Store the events that are new, and return each as stored with its result loaded.

    The result is None when NORMAL; in place of an event whose id is taken stands its refusal.
    """
    outcomes = store_events(session, rows, rules)
    pairs = list(zip(rows, outcomes, strict=True))
    repeated = _stored(session, [row.id for row, o in pairs if o is Outcome.REPEATED])

    def answer(row: MonitoringLog, outcome: Outcome) -> MonitoringLog | ServiceError:
        if outcome is Outcome.CONFLICT:
            return EventExists(row.id)
        if outcome is Outcome.STORED:
            return row
        row.is_replay = True
        # One that was cleared since it was found had come as this one.
        return repeated.get(row.id, row)

    return [answer(*pair) for pair in pairs]


def store_events(session: Session, rows: Sequence[MonitoringLog], rules: Rules) -> list[Outcome]:
    """Judge the events and store those that are new; return the outcomes in order."""
    results = [_judge(row, rules) for row in rows]
    outcomes = insert_many_idempotent(session, rows)
    is_new = [outcome is Outcome.STORED for outcome in outcomes]
    bulk_insert(
        session, [r for r, new in zip(results, is_new, strict=True) if new and r is not None]
    )
    # Last, because from here on until the commit other writers of these sources wait.
    stored = (row for row, new in zip(rows, is_new, strict=True) if new)
    change_counts(session, Counter(map(key_of, stored)))
    return outcomes


def _judge(row: MonitoringLog, rules: Rules) -> MonitoringResult | None:
    values = values_of(row)
    verdict = judge(values["data"] or {}, rules(values["source"]))
    result = result_of(values["id"], verdict)
    fill_row(row, status=verdict.status, severity=verdict.severity, result=result)
    return result


def _stored(session: Session, ids: Sequence[str]) -> dict[str, MonitoringLog]:
    if not ids:
        return {}
    query = select(MonitoringLog).where(MonitoringLog.id.in_(ids))
    logs = session.scalars(query.options(joinedload(MonitoringLog.result))).all()
    for log in logs:
        log.is_replay = True
    return {log.id: log for log in logs}


def result_of(event_id: str, verdict: Verdict) -> MonitoringResult | None:
    """Return the row that says why an event is not NORMAL, None when it is."""
    if verdict.status is HealthStatus.NORMAL:
        return None
    return row_of(
        MonitoringResult,
        event_id=event_id,
        status=verdict.status,
        severity_score=verdict.severity,
        reasoning=verdict.reasoning,
        detected_issues=[finding.issue for finding in verdict.findings],
        failed_rules=[finding.rule for finding in verdict.findings],
        suggestions=[finding.suggestion for finding in verdict.findings],
    )
