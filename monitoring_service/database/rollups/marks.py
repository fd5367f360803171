"""Marks of hours whose rollups are out of date, added by the transactions that change events."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.ids import new_id
from shared_db.row_moves import row_count

HOUR = timedelta(hours=1)
# An hour is opened for rollups twice as long after its end, and made once all transactions are over
# that were running then. So an event of an earlier transaction needs no mark; clocks of the service
# and of the database may differ by as much.
LATE = timedelta(minutes=5)

_ADD = text(
    "INSERT INTO monitoring.log_rollup_marks (hour, id)"
    " SELECT * FROM unnest(CAST(:hours AS timestamptz[]), CAST(:ids AS varchar[]))"
)
_DELETE_PERIODS = text("DELETE FROM monitoring.log_rollup_periods WHERE start < :before")
_DELETE_ROLLUPS = text("DELETE FROM monitoring.log_rollups WHERE start < :before")


def mark_hours(session: Session, instants: Iterable[datetime]) -> None:
    """Mark the hours of events that this transaction has inserted late, or deleted.

    Call it after the change: the hour is judged by the clock once the transaction has its number.
    """
    if session.get_bind().dialect.name != "postgresql":
        return
    over = utc_now() - LATE
    hours = {hour for hour in map(hour_of, instants) if hour + HOUR <= over}
    if hours:
        ids = [new_id() for _ in hours]
        session.execute(_ADD, {"hours": sorted(hours), "ids": ids})


def hour_of(instant: datetime) -> datetime:
    """Return the start of the instant's hour, in UTC."""
    return instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def delete_rollups(session: Session, until: date | datetime) -> None:
    """Delete the rollups of the days before that of an instant."""
    if session.get_bind().dialect.name != "postgresql":
        return
    before = {"before": datetime(until.year, until.month, until.day, tzinfo=UTC)}
    # A period that is just being made is waited for here, so the next statement sees its rollups.
    if row_count(session.execute(_DELETE_PERIODS, before)):
        session.execute(_DELETE_ROLLUPS, before)
