"""Time range of a request; the only place of the routes that reads the clock."""

from datetime import datetime, timedelta

from shared_db.clock import utc_now
from shared_web.problems import InvalidRequest

DEFAULT = timedelta(days=1)


def period(start: datetime | None, end: datetime | None) -> tuple[datetime, datetime]:
    """Return start and end; without an end until now, without a start the day before the end.

    Raises:
        InvalidRequest: the start is not before the end.

    """
    last = end or utc_now()
    first = start or last - DEFAULT
    if first >= last:
        raise InvalidRequest("start must be before end.")
    return first, last
