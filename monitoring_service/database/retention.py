"""Retention: old events deleted and kept ones judged again, a bounded number at a time."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, selectinload

from monitoring_service.database.counts import (
    CountKey,
    count_key,
    delete_empty_counts,
    increment_counts,
)
from monitoring_service.database.event_insert import Rules, result_row
from monitoring_service.database.event_keys import delete_keys
from monitoring_service.database.history.source_states import MINUTE, delete_states
from monitoring_service.database.incidents.queue import queue_events
from monitoring_service.database.months import drop_months, forget_keys
from monitoring_service.database.rollups.marks import delete_rollups, mark_hours
from monitoring_service.database.thresholds import rules_for
from monitoring_service.domain.findings import HealthStatus
from monitoring_service.domain.rules import Verdict, judge
from monitoring_service.domain.thresholds import Limits
from monitoring_service.models import (
    Base,
    MonitoringLog,
    MonitoringResult,
    SourceState,
    SystemHealth,
)
from shared_db.clock import utc_now
from shared_db.columns import Row
from shared_db.connection.database import Database
from shared_db.queries.pagination import Keyset
from shared_db.retention.reports import RetentionReport
from shared_db.retention.repository import AgeRepository
from shared_db.retention.tables import AgingTable
from shared_db.row_moves import row_count

MOST_CLEARED = 100_000
MOST_JUDGED = 10_000
_AT_ONCE = 2_000
_MOST_SHOWN = 100
_UNSYNCHRONISED = {"synchronize_session": False}

_OLDEST_FIRST = Keyset("to-judge-again", (MonitoringLog.timestamp, MonitoringLog.id))


@dataclass(frozen=True)
class Change:
    """Event that the present rules judge differently."""

    event_id: str
    source: str
    status_before: HealthStatus
    status: HealthStatus
    severity_before: float
    severity: float


@dataclass(frozen=True)
class Reevaluation:
    """Changes by the present rules: their number by kind, and the first of them.

    next: cursor to continue with, None when the whole period was examined.
    """

    examined: int
    changed: int
    transitions: Mapping[str, int]
    changes: Sequence[Change]
    next: str | None


class RetentionRepository(AgeRepository):
    """Old events, deleted, and kept ones, judged again.

    limits: the configured limits by source, read at each call.
    """

    def __init__(self, database: Database, limits: Callable[[], Mapping[str, Limits]]) -> None:
        super().__init__(database, Base.metadata)
        self._limits = limits

    def delete_old(self, older_than_minutes: float, most: int = MOST_CLEARED) -> int:
        """Delete the events older than that, the oldest first; return how many.

        Each batch is a transaction of its own, so that other writers do not wait long. More may be
        left if the result is `most`.
        """
        before = utc_now() - timedelta(minutes=older_than_minutes)
        self.write(lambda session: delete_minutes(session, before))
        deleted = 0
        while deleted < most:
            limit = min(_AT_ONCE, most - deleted)
            batch = self.write(partial(_delete_oldest, before=before, limit=limit))
            removed = batch[MonitoringLog.__tablename__]
            deleted += removed
            if removed < limit:
                break
        return deleted

    def run_kind(
        self, kind: str, tables: Sequence[AgingTable], until: date, report: RetentionReport
    ) -> None:
        """Drop the months that are over before the day, then delete single rows before it."""
        if not self.use_fallback:
            report.deleted.update(self.write(lambda session: drop_months(session, until)))
            while not self.is_over and self.write(lambda session: forget_keys(session, until)):
                pass
            self.write(lambda session: delete_rollups(session, until))
        super().run_kind(kind, tables, until, report)

    def delete_oldest(
        self, session: Session, table: AgingTable, until: date, limit: int
    ) -> dict[str, int]:
        """Delete up to so many rows, the oldest first; counts of events follow."""
        if table.table is MonitoringResult.__table__:
            return {}  # deleted with their events
        before = datetime(until.year, until.month, until.day, tzinfo=UTC)
        if table.table is SourceState.__table__:
            return {table.name: delete_states(session, before, limit)}
        if table.table is not MonitoringLog.__table__:
            return super().delete_oldest(session, table, until, limit)
        return _delete_oldest(session, before=before, limit=limit)

    def reevaluate(
        self, lookback_minutes: float, after: str | None = None, most: int = MOST_JUDGED
    ) -> Reevaluation:
        """Judge the events of the last minutes by the present rules; return the changes.

        Batches as in `delete_old`; at most `most` events, then `next` is the cursor to continue.

        Raises:
            MalformedCursor: `after` is not a cursor of this work.

        """
        since = utc_now() - timedelta(minutes=lookback_minutes)
        examined, changes = 0, list[Change]()
        while examined < most:
            limit = min(_AT_ONCE, most - examined)
            judge_batch = partial(
                _judge_again, since=since, after=after, limit=limit, configured=self._limits()
            )
            looked_at, found, after = self.write(judge_batch)
            examined += looked_at
            changes += found
            if after is None:
                break
        transitions = Counter(f"{c.status_before} to {c.status}" for c in changes)
        return Reevaluation(examined, len(changes), transitions, changes[:_MOST_SHOWN], after)


def delete_minutes(session: Session, before: datetime) -> None:
    """Delete the health of the systems in the minutes before an instant: one row a minute."""
    session.execute(delete(SystemHealth).where(SystemHealth.minute < before))
    # Their last minute is of those.
    delete_states(session, before + MINUTE)


def _delete_oldest(session: Session, *, before: datetime, limit: int) -> dict[str, int]:
    oldest = (
        select(MonitoringLog.id, MonitoringLog.timestamp)
        .where(MonitoringLog.timestamp < before)
        .order_by(MonitoringLog.timestamp, MonitoringLog.id)
        .limit(limit)
        .with_for_update()
    )
    found = session.execute(oldest).all()
    if not found:
        delete_empty_counts(session, before)
        return {MonitoringLog.__tablename__: 0, MonitoringResult.__tablename__: 0}
    ids = [id_ for id_, _ in found]
    # The range of time is in an index, and in few months; the ids are in none.
    span = MonitoringResult.timestamp.between(found[0][1], found[-1][1])
    results = session.execute(
        delete(MonitoringResult).where(span, MonitoringResult.event_id.in_(ids)),
        execution_options=_UNSYNCHRONISED,
    )
    statement = (
        delete(MonitoringLog)
        .where(MonitoringLog.timestamp.between(found[0][1], found[-1][1]))
        .where(MonitoringLog.id.in_(ids))
        .returning(
            MonitoringLog.source, MonitoringLog.timestamp, MonitoringLog.status, MonitoringLog.id
        )
    )
    gone = session.execute(statement, execution_options=_UNSYNCHRONISED).all()
    delete_keys(session, ids)
    mark_hours(session, (at for _, at, _, _ in gone))
    lost = Counter(count_key(source, at, status, id_) for source, at, status, id_ in gone)
    increment_counts(session, {where: -count for where, count in lost.items()})
    if len(gone) < limit:
        delete_empty_counts(session, before)
    return {
        MonitoringLog.__tablename__: len(gone),
        MonitoringResult.__tablename__: row_count(results),
    }


def _judge_again(
    session: Session,
    *,
    since: datetime,
    after: str | None,
    limit: int,
    configured: Mapping[str, Limits],
) -> tuple[int, list[Change], str | None]:
    """Return the number of events examined, the changes, and a cursor."""
    query = (
        select(MonitoringLog)
        .where(MonitoringLog.timestamp >= since)
        # Read once the events are locked: in the same statement they could be out of date.
        .options(selectinload(MonitoringLog.result))
        .with_for_update()
    )
    page = _OLDEST_FIRST.loaded(session, query, after=after, limit=limit)
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
        counts[_key_of(log)] -= 1
        changes.append(_change(log, verdict))
        log.status, log.severity = verdict.status, verdict.severity
        counts[_key_of(log)] += 1
        _replace_result(session, log.result, result_row(log.id, log.timestamp, verdict))
    session.flush()
    increment_counts(session, counts)
    return changes


def _key_of(log: MonitoringLog) -> CountKey:
    return count_key(log.source, log.timestamp, log.status, log.id)


def _replace_result(session: Session, before: MonitoringResult | None, now: Row | None) -> None:
    if now is not None:
        session.merge(MonitoringResult(**now))
        if before is None:  # incidents count an event once, by its first result
            queue_events(session, [now])
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
