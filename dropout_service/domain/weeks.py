"""ISO weeks."""

from datetime import date, datetime, timedelta


def monday_of(as_of: datetime) -> date:
    """Return the first day of the ISO week, in UTC."""
    return as_of.date() - timedelta(days=as_of.weekday())
