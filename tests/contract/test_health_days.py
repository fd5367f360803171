"""Health by day, of all systems and by source, on both stores."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from monitoring_service.database import MonitoringDatabase
from monitoring_service.database.history.days import MOST_SOURCES
from monitoring_service.domain.findings import HealthStatus
from monitoring_service.domain.health_days import last_days
from shared_db.clock import utc_now

MINUTE = timedelta(minutes=1)
# Clocks in Berlin were set forward on the 29th of March.
SPRING = datetime(2026, 3, 30, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
NOTHING: tuple[object, ...] = (None, {}, 1440)


def event(manager: MonitoringDatabase, source: str, at: datetime, level: str = "INFO") -> None:
    manager.add_log(source, "request", data={"level": level}, timestamp=at)


def test_days_of_a_zone_may_have_23_hours() -> None:
    before, changed, today = last_days(SPRING, 3, BERLIN)

    assert [one.day for one in (before, changed, today)] == [date(2026, 3, d) for d in (28, 29, 30)]
    assert [one.minutes_until(SPRING) for one in (before, changed, today)] == [1440, 1380, 840]
    assert (before.end, changed.end) == (changed.start, today.start)


def test_minutes_are_summed_up_by_day_and_source(monitoring: MonitoringDatabase) -> None:
    # The last two minutes of a day in Berlin, and the first of the next one.
    midnight = datetime(2026, 3, 29, 22, tzinfo=UTC)
    event(monitoring, "web", midnight - timedelta(minutes=5))
    event(monitoring, "db", midnight - timedelta(minutes=5), "FATAL")
    for minute in (-2, -1, 0):
        monitoring.health.record(midnight + minute * MINUTE)
        # Another process comes second.
        monitoring.health.record(midnight + minute * MINUTE + timedelta(seconds=20))

    found = monitoring.health_days.get(3, BERLIN, now=midnight + 2 * MINUTE)
    days = [(one.status, dict(one.minutes), one.missing_minutes) for one in found.days]
    by_source = {one.source: one.days for one in found.sources}

    warning, normal = HealthStatus.WARNING, HealthStatus.NORMAL
    assert days[0] == NOTHING
    assert days[1] == (warning, {normal: 0, warning: 2, HealthStatus.CRITICAL: 0}, 1378)
    assert days[2] == (warning, {normal: 0, warning: 1, HealthStatus.CRITICAL: 0}, 1)
    assert (list(by_source), found.source_count) == (["db", "web"], 2)
    assert [one.status for one in by_source["web"]] == [None, normal, normal]
    assert [one.missing_minutes for one in by_source["web"]] == [1440, 1378, 1]
    assert by_source["db"] == found.days


def test_a_gap_and_a_change_begin_another_period(monitoring: MonitoringDatabase) -> None:
    start = datetime(2026, 3, 2, 12, tzinfo=UTC)
    event(monitoring, "db", start)
    for minute in (0, 1, 3):
        monitoring.health.record(start + minute * MINUTE)
    for second in range(3):
        event(monitoring, "db", start + timedelta(minutes=4, seconds=second), "FATAL")
    monitoring.health.record(start + 4 * MINUTE)

    [db] = monitoring.health_days.get(1, UTC, now=start + 5 * MINUTE).sources
    [day] = db.days

    assert day.status in {HealthStatus.WARNING, HealthStatus.CRITICAL}
    assert (day.minutes[HealthStatus.NORMAL], sum(day.minutes.values())) == (3, 4)
    assert day.missing_minutes == 12 * 60 + 5 - 4


def test_of_many_sources_those_with_most_trouble_come(monitoring: MonitoringDatabase) -> None:
    now = datetime(2026, 3, 2, 12, tzinfo=UTC)
    for number in range(MOST_SOURCES + 3):
        event(monitoring, f"s{number:02}", now, "FATAL" if number == 52 else "INFO")
    monitoring.health.record(now)

    found = monitoring.health_days.get(1, UTC, now=now + MINUTE)

    assert (found.source_count, len(found.sources)) == (MOST_SOURCES + 3, MOST_SOURCES)
    assert [one.source for one in found.sources[:3]] == ["s52", "s00", "s01"]


@pytest.mark.parametrize("older", [0, 60])
def test_a_clean_up_leaves_no_half_of_a_minute(
    monitoring: MonitoringDatabase, older: float
) -> None:
    now = utc_now()
    event(monitoring, "db", now)
    monitoring.health.record(now)
    monitoring.retention.delete_old(older)
    monitoring.health.record(now)

    found = monitoring.health_days.get(2, UTC, now=now)

    assert sum(day.minutes.get(HealthStatus.NORMAL, 0) for day in found.days) == (older > 1)
