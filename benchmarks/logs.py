"""Queries of the monitoring manager on 100,000 and 1,000,000 events.

On a kept connection. The first line is the cost of a fresh connection, which NullPool adds to each
unit of work.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, QueuePool, create_engine, text

from benchmarks.support.command import run
from benchmarks.support.log_rows import DAYS, SOURCES, WORDS, load
from benchmarks.support.timing import machine, p50_p99, timed
from monitoring_service.database import LOGS_BY_TIME, MonitoringDatabase
from monitoring_service.database.timeseries import Series
from monitoring_service.domain.findings import HealthStatus
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.connection.engine import normalised_url
from shared_db.queries.filters import Filter, Operator
from tests.support.service_processes import Server, migrated_server

COUNTS = (100_000, 1_000_000)
TURNS = 100
PAGE = 100


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """Return the median and the 99th percentile of the work's time, in milliseconds."""
    for _ in range(3):
        work()
    return p50_p99([1000 * timed(work) for _ in range(TURNS)])


def queries(manager: MonitoringDatabase, now: datetime) -> dict[str, Callable[[], object]]:
    """Return the queries by name."""
    deep = LOGS_BY_TIME.cursor(now - timedelta(days=0.9 * DAYS), "e")
    hour = Filter("timestamp", Operator.GTE, now - timedelta(hours=1))
    slow = Filter("data", Operator.GT, 4000, ("response_time",))
    day = Series(now - timedelta(days=1), now, 3600, metric=("response_time",))

    def logs(**asked: Any) -> Callable[[], object]:
        return lambda: manager.get_logs(limit=PAGE, count=False, **asked)

    return {
        "first page": logs(),
        "deep page by cursor (90 %)": logs(after=deep),
        "source": logs(source=SOURCES[7]),
        "source and status": logs(source=SOURCES[7], status=HealthStatus.CRITICAL),
        "q= the most frequent word": logs(text=WORDS[0]),
        "q= a rare word (rank 3,000)": logs(text=WORDS[2999]),
        "q= two words": logs(text=f"{WORDS[5]} {WORDS[20]}"),
        "data.response_time__gt, an hour": logs(filters=[hour, slow]),
        "one event": lambda: manager.logs.get("e00000123"),
        "statistics": manager.get_statistics,
        "health": manager.health.assess,
        "sources": manager.sources.search,
        "series of a day by hour": lambda: manager.timeseries.compute(day),
    }


def report(server: Server, count: int) -> None:
    """Load the events and print the time of each query."""
    now = utc_now()
    seconds = timed(lambda: load(server.engine(), count, now))
    print(f"\n{count:,} events, loaded in {seconds:.0f} s")
    print(f"{'':34}{'p50 ms':>10}{'p99 ms':>10}")
    kept = create_engine(normalised_url(server.url), poolclass=QueuePool)
    manager = MonitoringDatabase(Database.for_bind(kept, statement_timeout_seconds=60))
    fresh = server.engine()
    asked = {"connect (apart)": lambda: fresh.connect().close(), **queries(manager, now)}
    for name, work in asked.items():
        p50, p99 = measured(work)
        print(f"{name:34}{p50:10.2f}{p99:10.2f}", flush=True)
    _check(manager, count)
    kept.dispose()


def _check(manager: MonitoringDatabase, count: int) -> None:
    statistics = manager.get_statistics()
    assert statistics["total_logs"] == count, statistics  # noqa: S101 - else the times mean nothing
    print("status distribution:", dict(statistics["status_distribution"]))


def _empty(engine: Engine) -> None:
    names = ("monitoring_logs", "monitoring_results", "event_keys", "log_counts")
    tables = ", ".join(f"monitoring.{name}" for name in names)
    with engine.begin() as session:
        session.execute(text(f"TRUNCATE {tables}"))


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("counts", metavar="COUNT", type=int, nargs="*", default=COUNTS)


def main(options: Namespace) -> bool:
    """Report for each number of events."""
    with migrated_server() as server:
        print(f"{machine(server)}; pages of {PAGE} events, {TURNS} turns each")
        for count in options.counts:
            _empty(server.engine())
            report(server, count)
    return True


if __name__ == "__main__":
    run("logs")
