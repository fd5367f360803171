"""Periodic work that makes the rollups of hours, the newest first. PostgreSQL only."""

import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from monitoring_service.database.rollups.making import HOUR_SECONDS, make_hour, make_longer
from monitoring_service.database.rollups.marks import LATE, delete_rollups
from monitoring_service.models import MonitoringLog
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.errors import DatabaseBusy
from shared_db.repository import Repository
from shared_db.retention.turn import turn

# Older hours have no rollups: a wrong instant in one event must not open a million hours.
MOST_DAYS = 1_830
MOST_SECONDS = 60
_HOURS_AT_ONCE = 48
# A month of events can be dropped only between two batches.
_BATCH_SECONDS = 1.0
_TURN = "rollups of monitoring"

# Of the present transaction: all that have begun to write before have lower numbers. (The end of a
# snapshot is not the next number, but the one after the latest that is over.)
_NUMBER = "CAST(CAST(pg_current_xact_id() AS text) AS bigint)"
_OLDEST_RUNNING = "CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)"
# An hour waits until all transactions are over that had begun to write when it was opened.
_OPEN = text(f"""
INSERT INTO monitoring.log_rollup_periods (bucket_seconds, start, after_transaction)
SELECT :seconds, hour, {_NUMBER}
FROM generate_series(
    CAST(:first AS timestamptz), CAST(:last AS timestamptz), interval '1 hour'
) AS hour
WHERE NOT EXISTS (
    SELECT FROM monitoring.log_rollup_periods AS known
    WHERE known.bucket_seconds = :seconds AND known.start = hour
)
ON CONFLICT DO NOTHING
""")  # noqa: S608 - our own names
# The numbers of a server from which the rows were restored can be higher.
_RENUMBER = text(f"""
UPDATE monitoring.log_rollup_periods SET after_transaction = {_NUMBER}
WHERE made_at IS NULL AND after_transaction > {_NUMBER}
""")  # noqa: S608 - our own names
# Of an hour that is made later anyhow, from a state of the rows that has the marked events.
_FORGET_MARKS = text("""
DELETE FROM monitoring.log_rollup_marks AS mark WHERE NOT EXISTS (
    SELECT FROM monitoring.log_rollup_periods AS known
    WHERE known.bucket_seconds = :seconds AND known.start = mark.hour
)
""")
# Each writer of events changes their keys first. If none is at it, all earlier ones are over. The
# numbers of transactions alone would also wait for those of other databases.
_NO_WRITER = """
NOT EXISTS (
    SELECT FROM pg_locks WHERE relation = CAST('monitoring.event_keys' AS regclass)
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND mode = 'RowExclusiveLock' AND granted
)
"""
_DUE = text(f"""
SELECT start FROM monitoring.log_rollup_periods AS period
WHERE bucket_seconds = :seconds AND start <> ALL (CAST(:skipped AS timestamptz[])) AND (
    (made_at IS NULL AND (after_transaction <= {_OLDEST_RUNNING} OR {_NO_WRITER}))
    OR (made_at IS NOT NULL AND EXISTS (
        SELECT FROM monitoring.log_rollup_marks AS mark WHERE mark.hour = period.start
    ))
)
ORDER BY start DESC LIMIT :limit
""")  # noqa: S608 - our own names
# In a statement before the events are read: those of these marks are then seen for certain.
_TAKE_MARKS = text("DELETE FROM monitoring.log_rollup_marks WHERE hour = :start")


class RollupRepository(Repository):
    """Rollups of events."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End a run after its present batch."""
        self._stopped.set()

    def run(self, most_seconds: float = MOST_SECONDS) -> int:
        """Make the rollups of hours that are due, and longer ones; return how many hours.

        Another run does nothing meanwhile. An hour that takes longer than a statement may is left
        out: its events themselves are read.
        """
        if self.use_fallback:
            return 0
        with turn(self.database, _TURN) as is_ours:
            if not is_ours:
                return 0
            self.write(_prepare)
            return self._run(time.monotonic() + most_seconds)

    def _run(self, ends_at: float) -> int:
        made, skipped = 0, list[datetime]()
        while not self._stopped.is_set() and time.monotonic() < ends_at:
            hours = self.read(lambda session: _due(session, skipped))
            if not hours:
                break
            done = self._make(hours) or self._make(hours[:1])
            if not done:
                skipped.append(hours[0])
            made += done
        return made

    def _make(self, hours: Sequence[datetime]) -> int:
        try:
            return self.write(lambda session: _make(session, hours))
        except DatabaseBusy:
            return 0


def _prepare(session: Session) -> None:
    oldest = session.scalar(select(func.min(MonitoringLog.timestamp)))
    now = utc_now()
    earliest = max(oldest or now, now - timedelta(days=MOST_DAYS)).astimezone(UTC)
    first = earliest.replace(hour=0, minute=0, second=0, microsecond=0)
    delete_rollups(session, first)
    last = now - 2 * LATE - timedelta(hours=1)
    of = {"seconds": HOUR_SECONDS, "first": first, "last": last}
    session.execute(_RENUMBER)
    session.execute(_OPEN, of)
    session.execute(_FORGET_MARKS, of)


def _due(session: Session, skipped: Sequence[datetime]) -> list[datetime]:
    of = {"seconds": HOUR_SECONDS, "skipped": list(skipped), "limit": _HOURS_AT_ONCE}
    return [start.astimezone(UTC) for start in session.scalars(_DUE, of)]


def _make(session: Session, hours: Sequence[datetime]) -> int:
    ends_at = time.monotonic() + _BATCH_SECONDS
    done = list[datetime]()
    for hour in hours:
        session.execute(_TAKE_MARKS, {"start": hour})
        make_hour(session, hour)
        done.append(hour)
        if time.monotonic() > ends_at:
            break
    make_longer(session, done)
    return len(done)
