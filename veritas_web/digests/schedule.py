"""Time of the weekly digest, in the school's time zone."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from anyio import from_thread

from shared_db.clock import utc_now
from shared_web.operations.periodic import Periodic
from veritas_web.digests.run import DigestRun
from veritas_web.services.all import Clients
from veritas_web.settings import Settings, Weekday

_SECONDS = 300
_WEEK = timedelta(weeks=1)
# A digest that could not be sent for so long is out of date.
_LATEST = timedelta(days=1)


def due_week(weekday: Weekday, hour: int, zone: ZoneInfo, now: datetime) -> date | None:
    """Return the Monday of the week whose digest is due now: from its hour on, for a day."""
    today = now.astimezone(zone).date()
    this = today - timedelta(days=today.weekday())
    # On a Monday that of the last Sunday may still be due.
    for monday in (this, this - _WEEK):
        day = monday + timedelta(days=list(Weekday).index(weekday))
        begins = datetime.combine(day, time(hour), zone)
        if begins <= now < begins + _LATEST:
            return monday
    return None


def digest_periodics(settings: Settings, clients: Clients) -> list[Periodic]:
    """Return the task that sends due digests; none without DIGEST_WEEKDAY."""
    weekday = settings.digest_weekday
    if weekday is None:
        return []
    zone, hour = ZoneInfo(settings.school_timezone), settings.digest_hour
    run = DigestRun(settings, clients)

    def send_due() -> int:
        week = due_week(weekday, hour, zone, utc_now())
        # The clients belong to the event loop, from whose thread this one was started.
        return 0 if week is None else from_thread.run(run.send, week)

    return [Periodic("digests", _SECONDS, send_due)]
