"""Health of a system by day: minutes of each status, and minutes of which nothing is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from math import ceil

from monitoring_service.domain.findings import HealthStatus

# The worst first.
BY_SEVERITY = (HealthStatus.CRITICAL, HealthStatus.WARNING, HealthStatus.NORMAL)
_MINUTE_SECONDS = 60


@dataclass(frozen=True)
class DayBounds:
    """Day of a time zone, from `start` until before `end`; it may have 23 or 25 hours."""

    day: date
    start: datetime
    end: datetime

    def minutes_until(self, now: datetime) -> int:
        """Return the minutes of the day that have begun by `now`."""
        seconds = (min(self.end, now) - self.start).total_seconds()
        return max(0, ceil(seconds / _MINUTE_SECONDS))


@dataclass(frozen=True)
class HealthDay:
    """Day of one system or of all.

    status: the worst of the day, None without any known minute. minutes: by status, empty without
    any. missing_minutes: those that have begun, of which nothing is known.
    """

    day: date
    status: HealthStatus | None
    minutes: Mapping[HealthStatus, int]
    missing_minutes: int


def last_days(now: datetime, count: int, zone: tzinfo) -> list[DayBounds]:
    """Return the last days in the zone, the present one last."""
    today = now.astimezone(zone).date()
    days = [today - timedelta(days=back) for back in range(count - 1, -2, -1)]
    starts = [_start_of(day, zone) for day in days]
    return [
        DayBounds(day, start, end)
        for day, start, end in zip(days, starts, starts[1:], strict=False)
    ]


def health_day(bounds: DayBounds, minutes: Mapping[HealthStatus, int], now: datetime) -> HealthDay:
    """Return the health of a day from its minutes by status."""
    known = {status: minutes[status] for status in BY_SEVERITY if minutes.get(status)}
    missing = max(0, bounds.minutes_until(now) - sum(known.values()))
    if not known:
        return HealthDay(bounds.day, None, {}, missing)
    full = {status: known.get(status, 0) for status in HealthStatus}
    return HealthDay(bounds.day, next(iter(known)), full, missing)


def trouble_of(days: Sequence[HealthDay]) -> tuple[int, int]:
    """Return the minutes that were CRITICAL, and those that were WARNING."""
    critical, warning = HealthStatus.CRITICAL, HealthStatus.WARNING
    return (
        sum(day.minutes.get(critical, 0) for day in days),
        sum(day.minutes.get(warning, 0) for day in days),
    )


def _start_of(day: date, zone: tzinfo) -> datetime:
    # The first of two midnights, where clocks are set back over midnight.
    local = datetime(day.year, day.month, day.day, tzinfo=zone)
    # Aware arithmetic within one zone would ignore changes of its clock.
    return local.astimezone(UTC)
