"""Months of events: made ahead, and dropped as a whole. PostgreSQL only.

The tables belong to the owner of the database; the service calls two functions of the migrations.
"""

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from monitoring_service.database.rollups.marks import delete_rollups
from monitoring_service.models import EventKey, LogCount, MonitoringLog, MonitoringResult
from shared_db.repository import Repository
from shared_db.row_moves import row_count

# Events come a few minutes ahead of the clock at most, and a stopped service starts again.
AHEAD = 2
_KEYS_AT_ONCE = 10_000
_ADD = text("SELECT monitoring.add_log_month(CAST(:month AS date))")
_DROP = text("SELECT monitoring.drop_log_months(CAST(:until AS date))")
_END = text("SELECT max(ends) FROM monitoring.log_months WHERE ends <= CAST(:until AS timestamptz)")
_LONGEST_MONTH = timedelta(days=31)


def first_of_month(day: date, later: int = 0) -> date:
    """Return the first day of the day's month, or of a later one."""
    for _ in range(later):
        day = day.replace(day=1) + _LONGEST_MONTH
    return day.replace(day=1)


class MonthRepository(Repository):
    """Months of events."""

    def prepare(self, today: date, ahead: int = AHEAD) -> int:
        """Make the month of a day and the next ones, where missing; return their number."""
        if self.use_fallback:
            return 0
        months = [first_of_month(today, later) for later in range(ahead + 1)]
        return self.write(lambda session: sum(_added(session, month) for month in months))


def _added(session: Session, month: date) -> bool:
    return bool(session.scalar(_ADD, {"month": month}))


def drop_months(session: Session, until: date) -> dict[str, int]:
    """Drop all months that end before or at the day; return the numbers of their rows.

    Their counts and rollups go, too. The keys stay until `forget_keys`: nothing of that age is
    stored again.
    """
    end = session.scalar(_END, {"until": datetime(until.year, until.month, until.day, tzinfo=UTC)})
    if end is None:
        return {}
    counts = {
        table.__tablename__: session.scalar(
            select(func.count()).select_from(table).where(table.timestamp < end)
        )
        or 0
        for table in (MonitoringLog, MonitoringResult)
    }
    session.execute(_DROP, {"until": until})
    delete_rollups(session, end.astimezone(UTC))
    session.execute(delete(LogCount).where(LogCount.month < end.astimezone(UTC).date()))
    return counts


def forget_keys(session: Session, until: date) -> int:
    """Delete keys of months that were dropped, a bounded number at a time; return how many."""
    oldest = select(func.min(MonitoringLog.timestamp)).scalar_subquery()
    before = datetime(until.year, until.month, until.day, tzinfo=UTC)
    gone = (
        select(EventKey.id)
        .where(EventKey.timestamp < func.least(before, func.coalesce(oldest, before)))
        .limit(_KEYS_AT_ONCE)
    )
    return row_count(session.execute(delete(EventKey).where(EventKey.id.in_(gone))))
