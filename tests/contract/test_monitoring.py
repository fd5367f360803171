"""The manager of monitoring as the design document calls it, on both stores."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from monitoring_service.database import EventToStore, MonitoringDatabase
from monitoring_service.database.timeseries import Series
from monitoring_service.domain.findings import HealthStatus
from monitoring_service.errors import EventExists, LogNotFound, RulesNotFound
from monitoring_service.main import create_app
from monitoring_service.models import Base
from monitoring_service.settings import Settings
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.errors import ConfigurationError
from shared_db.queries.pagination import MalformedCursor
from shared_db.settings import Environment
from tests.e2e.processes import wait_until
from tests.support.databases import OpenDatabase, engine_on
from tests.support.factories import NOON, days

MINUTE = timedelta(minutes=1)
# Severity that a lone problem loses when the next minute begins while the test runs.
A_MINUTE_LATER = 0.04


def fill(manager: MonitoringDatabase) -> None:
    """Store ten events, an hour apart."""
    manager.events.add_many(
        [
            EventToStore(
                source="api" if n % 2 else "web",
                component="search" if n % 3 else None,
                event_type="request" if n < 5 else "job",
                message=f"Step {n} took long",
                data={"error_rate": 0.5} if n == 4 else None,
                timestamp=NOON + timedelta(hours=n),
                event_id=f"e{n}",
            )
            for n in range(10)
        ]
    )


def ids(found: tuple[object, object]) -> str:
    page, _ = found
    return " ".join(log.id for log in page)  # type: ignore[attr-defined]


def test_the_calls_of_the_design_document(monitoring: MonitoringDatabase) -> None:
    monitoring.initialize_database()
    log = monitoring.add_log(source="api", event_type="request", data={"response_time": 6000})

    logs, count = monitoring.get_logs(source="api", limit=100)
    status, severity = monitoring.get_current_health_status()

    assert [found.id for found in logs] == [log.id]
    assert (logs[0].result.status if logs[0].result else None) is HealthStatus.CRITICAL
    assert (len(logs), count) == (1, 1)
    assert status is HealthStatus.WARNING
    assert severity == pytest.approx(0.5, abs=A_MINUTE_LATER)
    assert monitoring.get_statistics()["status_distribution"][HealthStatus.CRITICAL] == 1
    assert monitoring.retention.delete_old(older_than_minutes=0) == 1


def test_every_argument_narrows(monitoring: MonitoringDatabase) -> None:
    fill(monitoring)
    hour = timedelta(hours=1)

    assert ids(monitoring.get_logs(source="api")) == "e9 e7 e5 e3 e1"
    assert ids(monitoring.get_logs(component="search", source="web")) == "e8 e4 e2"
    assert ids(monitoring.get_logs(event_type="job", end_time=NOON + 7 * hour)) == "e6 e5"
    assert ids(monitoring.get_logs(status=HealthStatus.CRITICAL)) == "e4"
    assert ids(monitoring.get_logs(start_time=NOON + 8 * hour)) == "e9 e8"
    assert ids(monitoring.get_logs(text="step 3")) == "e3"
    assert ids(monitoring.get_logs(text="nothing of this")) == ""
    assert ids(monitoring.get_logs(offset=7)) == "e2 e1 e0"
    assert monitoring.get_logs(source="api", limit=2)[1] == 5
    assert monitoring.get_logs(source="api", count=False)[1] is None


def test_recent_logs_are_those_of_the_last_minutes(monitoring: MonitoringDatabase) -> None:
    fill(monitoring)
    monitoring.add_log("api", "request", event_id="now")
    monitoring.add_log("api", "request", event_id="older", timestamp=utc_now() - 5 * MINUTE)

    assert [log.id for log in monitoring.logs.recent(lookback_minutes=10)] == ["now", "older"]
    assert [log.id for log in monitoring.logs.recent(lookback_minutes=1)] == ["now"]


def test_an_unknown_log_and_another_content_are_refused(monitoring: MonitoringDatabase) -> None:
    monitoring.add_log("api", "request", event_id="e1")

    with pytest.raises(LogNotFound):
        monitoring.logs.get("e2")
    with pytest.raises(EventExists):
        monitoring.add_log("web", "request", event_id="e1")
    assert monitoring.add_log("api", "request", event_id="e1").is_replay


def test_limits_come_from_settings_and_from_what_was_set(monitoring: MonitoringDatabase) -> None:
    def limit(source: str, metric: str = "latency") -> float:
        found = {t.metric: t.warning for t in monitoring.thresholds.get(source)}
        return found[metric]

    monitoring.limits = {"*": {"latency": (10, 20)}, "api": {"latency": (30, 40)}}
    assert (limit("web"), limit("api"), limit("web", "cpu_usage")) == (10, 30, 80)

    monitoring.thresholds.upsert("*", {"latency": (50, 60), "queue": (1, 2)}, "ada")
    assert (limit("web"), limit("api"), limit("api", "queue")) == (50, 30, 1)

    monitoring.thresholds.upsert("api", {"latency": (70, 80)}, "ada")
    assert (limit("web"), limit("api")) == (50, 70)

    monitoring.thresholds.delete("api")
    assert limit("api") == 30
    with pytest.raises(RulesNotFound):
        monitoring.thresholds.delete("api")
    with pytest.raises(ValueError, match="above"):
        monitoring.thresholds.upsert("api", {"latency": (5, 5)}, "ada")
    with pytest.raises(ValueError, match="below"):
        monitoring.thresholds.upsert("api", {"queue": (5, 5)}, "ada")


def test_present_rules_are_applied_to_what_is_stored(monitoring: MonitoringDatabase) -> None:
    monitoring.events.add_many(
        [EventToStore("api", "request", data={"queue": n}, event_id=f"e{n}") for n in range(6)]
    )
    monitoring.add_log("api", "request", data={"queue": 9}, timestamp=NOON, event_id="old")
    monitoring.thresholds.upsert("api", {"queue": (3, 5)}, "ada")

    done = monitoring.retention.reevaluate(lookback_minutes=60)
    again = monitoring.retention.reevaluate(lookback_minutes=60)
    monitoring.thresholds.upsert("api", {"queue": (4, 5)}, "ada")
    eased = monitoring.retention.reevaluate(lookback_minutes=60)

    assert (done.examined, done.changed, again.changed) == (6, 3, 0)
    assert done.transitions == {"NORMAL to WARNING": 2, "NORMAL to CRITICAL": 1}
    assert [c.event_id for c in done.changes] == ["e3", "e4", "e5"]
    assert eased.transitions["WARNING to NORMAL"] == 1
    assert monitoring.logs.get("e3").result is None
    e4 = monitoring.logs.get("e4").result
    assert e4 is not None
    assert e4.reasoning == "queue is 4, the limit is 4."
    assert monitoring.logs.get("old").status is HealthStatus.NORMAL


def test_judging_again_goes_on_where_it_stopped(monitoring: MonitoringDatabase) -> None:
    monitoring.events.add_many(
        [EventToStore("api", "request", data={"queue": 9}) for _ in range(5)]
    )
    monitoring.thresholds.upsert("api", {"queue": (3, 5)}, "ada")

    first = monitoring.retention.reevaluate(60, most=3)
    second = monitoring.retention.reevaluate(60, first.next, most=3)

    assert (first.examined, second.examined, second.next) == (3, 2, None)
    assert monitoring.get_statistics()["status_distribution"][HealthStatus.CRITICAL] == 5
    with pytest.raises(MalformedCursor):
        monitoring.retention.reevaluate(60, "nonsense")


def test_nothing_heard_is_not_called_healthy(monitoring: MonitoringDatabase) -> None:
    fill(monitoring)  # months ago

    assert monitoring.get_current_health_status() == (None, None)
    assert monitoring.health.assess().missing_because == "no event in the last 30 minutes"
    assert monitoring.health.record().overall_status is None


def test_many_normal_events_of_others_do_not_hide_a_dying_source(
    monitoring: MonitoringDatabase,
) -> None:
    now = utc_now()
    monitoring.events.add_many(
        [EventToStore("web", "request", timestamp=now - MINUTE * (n % 30)) for n in range(1000)]
    )
    monitoring.add_log("web", "request", data={"level": "FATAL"}, timestamp=now - 25 * MINUTE)
    assert monitoring.get_current_health_status()[0] is HealthStatus.NORMAL

    dying = [
        EventToStore("db", "beat", data={"level": "FATAL"}, timestamp=now - MINUTE * n)
        for n in range(3)
    ]
    monitoring.events.add_many(dying)

    health = monitoring.health.assess()
    assert health.status is HealthStatus.CRITICAL
    assert health.status_of_source("web") is HealthStatus.NORMAL
    assert health.counts == {
        HealthStatus.NORMAL: 1000,
        HealthStatus.WARNING: 0,
        HealthStatus.CRITICAL: 4,
    }


def test_concurrent_processes_store_one_snapshot_a_minute(open_own_database: OpenDatabase) -> None:
    manager = MonitoringDatabase(open_own_database(Base.metadata))
    manager.add_log("api", "request", data={"level": "ERROR"}, timestamp=NOON)

    with ThreadPoolExecutor(6) as pool:
        taken = list(pool.map(lambda n: manager.health.record(NOON + n * MINUTE / 6), range(12)))

    history, count = manager.health.history()
    assert [health.minute for health in history] == [NOON + MINUTE, NOON]
    assert count == 2
    assert {health.timestamp for health in taken} == {health.timestamp for health in history}
    assert history[0].warning_count == 1
    assert history[0].severity == pytest.approx(0.8 * 0.5 ** (1 / 5) / (1 + 0.5 ** (1 / 5)))


def test_sources_are_told_with_their_counts(monitoring: MonitoringDatabase) -> None:
    fill(monitoring)
    monitoring.add_log("new", "beat", data={"error_rate": 0.9})

    sources = monitoring.sources.search()

    assert [s.source for s in sources] == ["api", "new", "web"]
    web = sources[2]
    assert (web.total, web.normal, web.warning, web.critical) == (5, 4, 0, 1)
    assert (web.last_seen, web.status, web.missing_because) == (
        NOON + timedelta(hours=8),
        None,
        "no event in the last 30 minutes",
    )
    assert (sources[1].status, sources[1].missing_because) == (HealthStatus.WARNING, None)
    first = monitoring.sources.search(limit=2)
    assert [s.source for s in monitoring.sources.search(after=first.next)] == ["web"]


def test_buckets_begin_where_they_should_also_before_1970(monitoring: MonitoringDatabase) -> None:
    start = NOON - days(60 * 365)
    monitoring.add_log("api", "request", timestamp=start + timedelta(minutes=7, seconds=0.5))

    [point] = monitoring.timeseries.compute(Series(start, start + days(1), 300)).points

    assert (point.start, point.count) == (start + timedelta(minutes=5), 1)


def test_a_database_that_was_never_migrated_is_told(empty_url: str) -> None:
    with pytest.raises(ConfigurationError, match="veritas migrate"):
        MonitoringDatabase(Database.for_bind(engine_on(empty_url))).initialize_database()


def test_a_running_service_keeps_the_health_of_each_minute(
    open_own_database: OpenDatabase,
) -> None:
    manager = MonitoringDatabase(open_own_database(Base.metadata))
    manager.add_log("api", "request", data={"level": "FATAL"})
    app = create_app(
        manager, Settings(environment=Environment.DEVELOPMENT, monitoring_snapshots=True)
    )

    with TestClient(app, "http://127.0.0.1", client=("127.0.0.1", 50000)):
        assert wait_until(lambda: manager.health.history()[1] == 1)

    [health] = manager.health.history()[0]
    assert (health.overall_status, health.critical_count) == (HealthStatus.WARNING, 1)
    assert health.minute.second == 0
