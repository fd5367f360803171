"""Old events cleared, and kept ones judged again, a bounded number at a time."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, selectinload

from monitoring_service.database.counts import (
    CountKey,
    change_counts,
    forget_empty_counts,
    key,
    key_of,
)
from monitoring_service.database.event_insert import Rules, result_of
from monitoring_service.database.thresholds import rules_for
from monitoring_service.domain.findings import HealthStatus
from monitoring_service.domain.rules import Verdict, judge
from monitoring_service.domain.thresholds import Limits
from monitoring_service.models import MonitoringLog, MonitoringResult
from shared_db.clock import utc_now
from shared_db.queries.pagination import Keyset
from shared_db.repository import Repository

MOST_CLEARED = 100_000
MOST_JUDGED = 10_000
_AT_ONCE = 2_000
_MOST_SHOWN = 100

_OLDEST_FIRST = Keyset("to-judge-again", (MonitoringLog.timestamp, MonitoringLog.id))


@dataclass(frozen=True)
class Change:
    """An event that the present rules judge otherwise."""

    event_id: str
    source: str
    status_before: HealthStatus
    status: HealthStatus
    severity_before: float
    severity: float


@dataclass(frozen=True)
class Reevaluation:
    """What the present rules changed: how many of each kind, and the first of them.

    next: where to go on, None when the whole time was looked at.
    """

    examined: int
    changed: int
    transitions: Mapping[str, int]
    changes: Sequence[Change]
    next: str | None


class Retention(Repository):
    """Old events cleared, and kept ones judged again."""

    limits: Mapping[str, Limits]

    def clear_old_logs(self, older_than_minutes: float, most: int = MOST_CLEARED) -> int:
        """Delete the events older than that, the oldest first; return how many.

        Each batch is a unit of work of its own, so that nobody waits long. `most` were deleted
        when more may be left.
        """
        before = utc_now() - timedelta(minutes=older_than_minutes)
        deleted = 0
        while deleted < most:
            limit = min(_AT_ONCE, most - deleted)
            with self.database.unit_of_work() as session:
                gone = _delete_oldest(session, before, limit)
            deleted += gone
            if gone < limit:
                break
        return deleted

    def reevaluate(
        self, lookback_minutes: float, after: str | None = None, most: int = MOST_JUDGED
    ) -> Reevaluation:
        """Judge the events of the last minutes by the present rules; say what changed.

        Batches as in `clear_old_logs`; at most `most` events, then `next` says where to go on.

        Raises:
            MalformedCursor: `after` is not a cursor of this work.

        """
        since = utc_now() - timedelta(minutes=lookback_minutes)
        examined, changes = 0, list[Change]()
        while examined < most:
            limit = min(_AT_ONCE, most - examined)
            with self.database.unit_of_work() as session:
                looked_at, found, after = _judge_again(
                    session, since, after=after, limit=limit, configured=self.limits
                )
            examined += looked_at
            changes += found
            if after is None:
                break
        transitions = Counter(f"{c.status_before} to {c.status}" for c in changes)
        return Reevaluation(examined, len(changes), transitions, changes[:_MOST_SHOWN], after)


def _delete_oldest(session: Session, before: datetime, limit: int) -> int:
    doomed = (
        select(MonitoringLog.id)
        .where(MonitoringLog.timestamp < before)
        .order_by(MonitoringLog.timestamp, MonitoringLog.id)
        .limit(limit)
        .with_for_update()
    )
    statement = (
        delete(MonitoringLog)
        .where(MonitoringLog.id.in_(doomed))
        .returning(
            MonitoringLog.source,
            MonitoringLog.timestamp,
            MonitoringLog.status,
            MonitoringLog.digest,
        )
    )
    gone = session.execute(statement, execution_options={"synchronize_session": False}).all()
    lost = Counter(key(*row) for row in gone)
    change_counts(session, {where: -count for where, count in lost.items()})
    if len(gone) < limit:
        forget_empty_counts(session, before.date())
    return len(gone)


def _judge_again(
    session: Session,
    since: datetime,
    *,
    after: str | None,
    limit: int,
    configured: Mapping[str, Limits],
) -> tuple[int, list[Change], str | None]:
    """Return how many were looked at, what changed, and a cursor."""
    query = (
        select(MonitoringLog)
        .where(MonitoringLog.timestamp >= since)
        # Read once the events are locked: in the same statement they could be out of date.
        .options(selectinload(MonitoringLog.result))
        .with_for_update()
    )
    page = _OLDEST_FIRST.page(session, query, after=after, limit=limit)
    rules = rules_for(session, {log.source for log in page}, configured)
    differing = [(log, verdict) for log in page if _differs(log, verdict := _verdict(log, rules))]
    return len(page), _apply(session, differing), page.next


def _verdict(log: MonitoringLog, rules: Rules) -> Verdict:
    return judge(log.data or {}, rules(log.source))


def _differs(log: MonitoringLog, verdict: Verdict) -> bool:
    reasoning = log.result.reasoning if log.result is not None else ""
    return (log.status, log.severity, reasoning) != (
        verdict.status,
        verdict.severity,
        verdict.reasoning,
    )


def _apply(session: Session, differing: Sequence[tuple[MonitoringLog, Verdict]]) -> list[Change]:
    counts: Counter[CountKey] = Counter()
    changes = []
    for log, verdict in differing:
        counts[key_of(log)] -= 1
        changes.append(_change(log, verdict))
        log.status, log.severity = verdict.status, verdict.severity
        counts[key_of(log)] += 1
        _replace_result(session, log.result, result_of(log.id, verdict))
    session.flush()
    change_counts(session, counts)
    return changes


def _replace_result(
    session: Session, before: MonitoringResult | None, now: MonitoringResult | None
) -> None:
    if before is None and now is not None:
        session.add(now)
    elif before is not None and now is not None:
        session.merge(now)
    elif before is not None:
        session.delete(before)


def _change(log: MonitoringLog, verdict: Verdict) -> Change:
    return Change(
        event_id=log.id,
        source=log.source,
        status_before=log.status,
        status=verdict.status,
        severity_before=log.severity,
        severity=verdict.severity,
    )
