"""Queries of the monitoring manager on 100,000 and 1,000,000 events, or 10,000,000.

Series are read from rollups, also "from events" with a filter that rollups cannot answer.
On a kept connection. The first line is the cost of a fresh connection, which NullPool adds to each
unit of work.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Engine, QueuePool, create_engine, text

from benchmarks.support.command import run
from benchmarks.support.log_rows import DAYS, SOURCES, WORDS, load
from benchmarks.support.timing import machine, p50_p99, timed
from monitoring_service.database import LOGS_BY_TIME, MonitoringDatabase
from monitoring_service.database.timeseries import GroupBy, Series
from monitoring_service.domain.findings import HealthStatus
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.connection.engine import normalised_url
from shared_db.queries.filters import Filter, Operator
from tests.support.service_processes import Server, migrated_server

COUNTS = (100_000, 1_000_000)
TURNS, LEAST_TURNS, MOST_SECONDS = 100, 3, 10
PAGE = 100
ROLLUPS = ("log_rollups", "log_rollup_periods", "log_rollup_marks")
# With indexes; the months of a table together.
SIZES = """
SELECT coalesce(parent.relname, part.relname), sum(pg_total_relation_size(part.oid))
FROM pg_class AS part JOIN pg_namespace AS schema ON schema.oid = part.relnamespace
LEFT JOIN pg_inherits ON inhrelid = part.oid LEFT JOIN pg_class AS parent ON parent.oid = inhparent
WHERE schema.nspname = 'monitoring' AND part.relkind = 'r'
GROUP BY 1 HAVING sum(pg_total_relation_size(part.oid)) > 100000 ORDER BY 2 DESC
"""


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """Return the median and the 99th percentile of the work's time, in milliseconds.

    Slow work has fewer turns, three at least.
    """
    for _ in range(3):
        work()
    times: list[float] = []
    while len(times) < TURNS and (len(times) < LEAST_TURNS or sum(times) < MOST_SECONDS):
        times.append(timed(work))
    return p50_p99([1000 * one for one in times])


def queries(manager: MonitoringDatabase, now: datetime) -> dict[str, Callable[[], object]]:
    """Return the queries by name."""
    deep = LOGS_BY_TIME.cursor(now - timedelta(days=0.9 * DAYS), "e")
    hour = Filter("timestamp", Operator.GTE, now - timedelta(hours=1))
    slow = Filter("data", Operator.GT, 4000, ("response_time",))
    day = Series(now - timedelta(days=1), now, 3600, metric=("response_time",))
    near = replace(day, percentiles=True)
    quarter = replace(near, start=now - timedelta(days=DAYS), bucket_seconds=86_400)
    requests = (Filter("event_type", Operator.EQ, "request"),)
    series = {
        "series of a day by hour": day,
        "24 h with percentiles": near,
        "90 days by day with percentiles": quarter,
        "the same of one source": replace(
            quarter, filters=(Filter("source", Operator.EQ, SOURCES[7]),)
        ),
        "the same by source": replace(quarter, group_by=GroupBy.SOURCE),
        "90 days by 6 h with percentiles": replace(quarter, bucket_seconds=21_600),
        "24 h from events": replace(near, filters=requests),
        "90 days from events": replace(quarter, filters=requests),
    }

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
        **{name: partial(manager.timeseries.compute, one) for name, one in series.items()},
    }


def report(server: Server, count: int) -> None:
    """Load the events and print the time of each query."""
    now = utc_now()
    seconds = timed(lambda: load(server.engine(), count, now))
    print(f"\n{count:,} events, loaded in {seconds:.0f} s")
    kept = create_engine(normalised_url(server.url), poolclass=QueuePool)
    manager = MonitoringDatabase(Database.for_bind(kept, statement_timeout_seconds=60))
    seconds = timed(lambda: manager.rollups.run(most_seconds=3_600))
    print(f"rollups made in {seconds:.1f} s")
    _print_sizes(server.engine(), count)
    print(f"{'':34}{'p50 ms':>10}{'p99 ms':>10}")
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


def _print_sizes(engine: Engine, count: int) -> None:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as session:
        session.execute(text("VACUUM ANALYZE"))
        sizes = session.execute(text(SIZES)).all()
    print("bytes per log on disk:", f"{sum(size for _, size in sizes) / count:.0f}", end=" (")
    print(", ".join(f"{name} {size / count:.0f}" for name, size in sizes), end=")\n")


def _empty(engine: Engine) -> None:
    names = ("monitoring_logs", "monitoring_results", "event_keys", "log_counts", *ROLLUPS)
    tables = ", ".join(f"monitoring.{name}" for name in names)
    with engine.begin() as session:
        session.execute(text(f"TRUNCATE {tables}"))


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("counts", metavar="COUNT", type=int, nargs="*", default=COUNTS)


def main(options: Namespace) -> bool:
    """Report for each number of events."""
    with migrated_server() as server:
        print(f"{machine(server)}; pages of {PAGE} events, up to {TURNS} turns each")
        for count in options.counts:
            _empty(server.engine())
            report(server, count)
    return True


if __name__ == "__main__":
    run("logs")
