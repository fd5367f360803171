"""Events judged and stored, with their results and counts."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from monitoring_service.database.counts import change_counts, key_of
from monitoring_service.domain.findings import HealthStatus
from monitoring_service.domain.rules import Verdict, judge
from monitoring_service.domain.thresholds import Threshold
from monitoring_service.errors import EventExists
from monitoring_service.models import MonitoringLog, MonitoringResult
from shared_db.ids import new_id
from shared_db.naming import Outcome, digest_of, store_named, store_one

# The thresholds in force for a source.
Rules = Callable[[str], Sequence[Threshold]]


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


def store_event(
    session: Session, event: EventToStore, rules: Rules, now: datetime
) -> MonitoringLog:
    """Store one event with its result loaded, None when NORMAL; a repeated one comes as stored.

    Raises:
        EventExists: the id is stored with other content.

    """
    row, verdict = judged(event, rules, now)
    stored = store_one(session, row, EventExists)
    if stored.is_repeat:
        set_committed_value(stored, "result", session.get(MonitoringResult, row.id))
        return stored
    result = result_of(row.id, verdict)
    set_committed_value(row, "result", result)
    _store_what_follows(session, [(row, verdict)])
    return row


def store_events(
    session: Session, events: Sequence[EventToStore], rules: Rules, now: datetime
) -> tuple[list[str], list[Outcome]]:
    """Store the events that are new; return ids and outcomes in order."""
    pairs = [judged(event, rules, now) for event in events]
    outcomes = store_named(session, [row for row, _ in pairs])
    new = [pair for pair, o in zip(pairs, outcomes, strict=True) if o is Outcome.STORED]
    _store_what_follows(session, new)
    return [row.id for row, _ in pairs], outcomes


def judged(event: EventToStore, rules: Rules, now: datetime) -> tuple[MonitoringLog, Verdict]:
    """Return the row of an event, not yet stored, and what the rules say of it."""
    verdict = judge(event.data or {}, rules(event.source))
    sent = dict(vars(event))
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


def result_of(event_id: str, verdict: Verdict) -> MonitoringResult | None:
    """Return the row that says why an event is not NORMAL, None when it is."""
    if verdict.status is HealthStatus.NORMAL:
        return None
    return MonitoringResult(
        event_id=event_id,
        status=verdict.status,
        severity_score=verdict.severity,
        reasoning=verdict.reasoning,
        detected_issues=[finding.issue for finding in verdict.findings],
        failed_rules=[finding.rule for finding in verdict.findings],
        suggestions=[finding.suggestion for finding in verdict.findings],
    )


def _store_what_follows(session: Session, new: Sequence[tuple[MonitoringLog, Verdict]]) -> None:
    results = [result_of(row.id, verdict) for row, verdict in new]
    session.add_all(result for result in results if result is not None)
    session.flush()
    # Last, because from here on until the commit other writers of these sources wait.
    change_counts(session, Counter(key_of(row) for row, _ in new))
