"""Months of events: one key for all of them, made ahead, and dropped as a whole."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import DBAPIError

from monitoring_service.database import EventToStore, MonitoringDatabase
from monitoring_service.database.months import first_of_month
from monitoring_service.errors import EventTooOld
from monitoring_service.models import Base, EventKey
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.queries.dialects import Operator
from shared_db.queries.filters import Filter
from shared_db.results import Outcome
from tests.support.databases import engine_on, role_of

END_OF_MONTH = datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC)
TROUBLE = {"error_rate": 0.9}


@pytest.fixture
def engine(private_url: str) -> Iterator[Engine]:
    engine = engine_on(private_url)
    yield engine
    engine.dispose()


@pytest.fixture
def monitoring(engine: Engine) -> MonitoringDatabase:
    """Give a manager with the rights of the service."""
    return MonitoringDatabase(Database.for_bind(engine, role=role_of(Base.metadata)))


def places(engine: Engine) -> dict[str, int]:
    """Return the number of events in each part that has any."""
    query = text(
        "SELECT tableoid::regclass::text, count(*) FROM monitoring.monitoring_logs GROUP BY 1"
    )
    with engine.connect() as connection:
        return {row[0].rpartition(".")[2]: row[1] for row in connection.execute(query)}


def keys(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(EventKey.__table__)) or 0


def part_of(day: date) -> str:
    return f"monitoring_logs_{day:%Y_%m}"


def test_the_present_month_and_the_next_are_there(
    engine: Engine, monitoring: MonitoringDatabase
) -> None:
    today = utc_now().date()
    monitoring.add_log("web", "request")

    assert monitoring.months.prepare(today) == 0
    assert monitoring.months.prepare(first_of_month(today, 2)) == 2
    assert places(engine) == {part_of(today): 1}


def test_an_event_without_a_time_is_one_over_the_end_of_a_month(
    engine: Engine, monitoring: MonitoringDatabase
) -> None:
    monitoring.months.prepare(END_OF_MONTH.date())
    later = END_OF_MONTH + timedelta(seconds=2)

    def sent(at: datetime, source: str = "web") -> Outcome:
        event = EventToStore(source, "request", event_id="e1", accepted_at=at)
        [result] = monitoring.events.add_many([event])
        return result.outcome

    assert [sent(END_OF_MONTH), sent(later), sent(later, "mail")] == [
        Outcome.STORED,
        Outcome.REPEATED,
        Outcome.CONFLICT,
    ]
    assert places(engine) == {"monitoring_logs_2026_01": 1}
    assert monitoring.logs.get("e1").timestamp == END_OF_MONTH
    single = monitoring.events.add(EventToStore("web", "request", event_id="e1", accepted_at=later))
    assert (single.is_replay, single.timestamp) == (True, END_OF_MONTH)


def test_older_events_move_into_their_month_once_it_is_made(
    engine: Engine, monitoring: MonitoringDatabase
) -> None:
    for day in (31, 30):
        at = END_OF_MONTH.replace(day=day)
        monitoring.add_log("web", "request", data=TROUBLE, timestamp=at, event_id=f"e{day}")
    monitoring.add_log(
        "web", "request", timestamp=END_OF_MONTH.replace(year=2025), event_id="e-2025"
    )
    before = places(engine)

    assert monitoring.months.prepare(END_OF_MONTH.date()) == 3

    assert before == {"monitoring_logs_default": 3}
    assert places(engine) == {"monitoring_logs_default": 1, "monitoring_logs_2026_01": 2}
    result = monitoring.logs.get("e31").result
    assert result is not None
    assert result.failed_rules
    assert monitoring.get_logs()[1] == 3


def test_whole_months_are_dropped_and_the_rest_deleted_by_rows(
    engine: Engine, monitoring: MonitoringDatabase
) -> None:
    today = utc_now().date()
    limit = 45
    until = today - timedelta(days=limit)
    months = [first_of_month(until - timedelta(days=back)) for back in (70, 40, 0)]
    for month in months:
        monitoring.months.prepare(month)
    days = [*(month + timedelta(days=3) for month in months[:2]), until - timedelta(days=1), until]
    for number, day in enumerate(days):
        at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        for name in "ab":
            monitoring.add_log(
                name, "request", data=TROUBLE, timestamp=at, event_id=f"{name}{number}"
            )
    due = {
        account.table: account.due
        for account in monitoring.retention.account({"monitoring": limit})
    }

    report = monitoring.retention.run({"monitoring": limit})

    assert due["monitoring_logs"] == due["monitoring_results"] == 6
    assert report.deleted["monitoring_logs"] == report.deleted["monitoring_results"] == 6
    assert places(engine) == {part_of(until): 2}
    assert keys(engine) == 2
    assert monitoring.get_statistics()["total_logs"] == 2
    with engine.connect() as connection:
        begins = connection.scalar(text("SELECT min(ends) FROM monitoring.log_months"))
    assert begins.date() > until.replace(day=1)


def test_events_older_than_the_kept_days_are_refused(
    engine: Engine, monitoring: MonitoringDatabase
) -> None:
    monitoring.events.kept_days = 30
    old = EventToStore("web", "request", timestamp=utc_now() - timedelta(days=32), event_id="old")
    young = EventToStore("web", "request", event_id="young")

    first, second = monitoring.events.add_many([old, young])
    with pytest.raises(EventTooOld, match="RETENTION_MONITORING_DAYS"):
        monitoring.events.add(old)

    assert (first.id, first.outcome) == ("old", Outcome.REFUSED)
    assert (second.id, second.outcome) == ("young", Outcome.STORED)
    assert keys(engine) == monitoring.get_statistics()["total_logs"] == 1


def test_a_retry_after_its_month_was_dropped_is_refused(
    engine: Engine, monitoring: MonitoringDatabase
) -> None:
    monitoring.months.prepare(END_OF_MONTH.date())
    event = EventToStore("web", "request", timestamp=END_OF_MONTH, event_id="e1")
    monitoring.events.add_many([event])
    days = (utc_now().date() - END_OF_MONTH.date()).days - 20

    assert monitoring.retention.run({"monitoring": days}).deleted["monitoring_logs"] == 1
    monitoring.events.kept_days = days
    [again] = monitoring.events.add_many([event])

    assert again.outcome is Outcome.REFUSED
    assert (places(engine), keys(engine)) == ({}, 0)


def test_the_service_drops_no_month_that_is_not_over(monitoring: MonitoringDatabase) -> None:
    drop = text("SELECT monitoring.drop_log_months(CAST('2999-01-01' AS date))")
    with (
        monitoring.database.unit_of_work() as session,
        pytest.raises(DBAPIError, match="only months that are over"),
    ):
        session.execute(drop)
    with (
        monitoring.database.unit_of_work() as session,
        pytest.raises(DBAPIError, match="must be owner"),
    ):
        session.execute(text(f"DROP TABLE monitoring.{part_of(utc_now().date())}"))


def test_events_are_found_by_their_ids_in_one_month(
    engine: Engine, monitoring: MonitoringDatabase
) -> None:
    monitoring.events.add_many([EventToStore("web", "request", event_id=f"e{n}") for n in range(3)])
    two = Filter("event_id", Operator.IN, ("e0", "e2", "e9"))
    lookup = (
        "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF)"
        " SELECT * FROM monitoring.monitoring_logs WHERE id = 'e1' AND timestamp ="
        " (SELECT timestamp FROM monitoring.event_keys LIMIT 1)"
    )

    assert [log.id for log in monitoring.get_logs(filters=[two])[0]] == ["e2", "e0"]
    [one] = monitoring.get_logs(filters=[Filter("event_id", Operator.EQ, "e1")])[0]
    assert one.id == "e1"
    with engine.connect() as connection:
        plan = list(connection.scalars(text(lookup)))
    assert sum("never executed" in line for line in plan) == 3, plan
