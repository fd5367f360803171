"""How long looking at many events takes: `python -m benchmarks.logs [COUNT ...]`.

The manager's methods on a PostgreSQL server of its own, on a connection that is kept; what a fresh
connection costs on top, as NullPool makes one for each unit of work, is the first line.
"""

import platform
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from statistics import quantiles
from typing import Any

from sqlalchemy import Engine, QueuePool, create_engine, text

from benchmarks.support.harness import Server, migrated_server
from benchmarks.support.log_rows import DAYS, SOURCES, WORDS, load
from monitoring_service.database import LOGS_BY_TIME, MonitoringDatabase
from monitoring_service.database.timeseries import Series
from monitoring_service.domain.findings import HealthStatus
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.connection.engine import normalised_url
from shared_db.queries.filters import Filter, Operator

COUNTS = (100_000, 1_000_000)
TURNS = 100
PAGE = 100


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """Return the median and the 99th percentile of the work's time, in milliseconds."""
    for _ in range(3):
        work()
    times = []
    for _ in range(TURNS):
        started = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - started))
    cuts = quantiles(times, n=100)
    return cuts[49], cuts[98]


def questions(manager: MonitoringDatabase, now: datetime) -> dict[str, Callable[[], object]]:
    """Return what is asked of the manager, by name."""
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
        "one event": lambda: manager.get_log_by_id("e00001234"),
        "statistics": manager.get_statistics,
        "health": manager.assess_health,
        "sources": manager.get_sources,
        "series of a day by hour": lambda: manager.get_timeseries(day),
    }


def report(server: Server, count: int) -> None:
    """Load the events and print how long each question takes."""
    now = utc_now()
    started = time.perf_counter()
    load(server.engine(), count, now)
    print(f"\n{count:,} events, loaded in {time.perf_counter() - started:.0f} s")
    print(f"{'':34}{'p50 ms':>10}{'p99 ms':>10}")
    kept = create_engine(normalised_url(server.url), poolclass=QueuePool)
    manager = MonitoringDatabase(Database.on(kept, statement_timeout_seconds=60))
    fresh = server.engine()
    asked = {"connect (apart)": lambda: fresh.connect().close(), **questions(manager, now)}
    for name, work in asked.items():
        p50, p99 = measured(work)
        print(f"{name:34}{p50:10.2f}{p99:10.2f}", flush=True)
    _check(manager, count)
    kept.dispose()


def _check(manager: MonitoringDatabase, count: int) -> None:
    statistics = manager.get_statistics()
    assert statistics["total_logs"] == count, statistics  # noqa: S101 - figures of nothing are none
    print("status distribution:", dict(statistics["status_distribution"]))


def _empty(engine: Engine) -> None:
    tables = "monitoring_logs, monitoring.monitoring_results, monitoring.log_counts"
    with engine.begin() as session:
        session.execute(text(f"TRUNCATE monitoring.{tables}"))


def main() -> None:
    """Report for each count given, by default 100,000 and 1,000,000."""
    counts = [int(argument.replace(",", "_")) for argument in sys.argv[1:]] or COUNTS
    with migrated_server() as server:
        with server.engine().connect() as connection:
            version = connection.scalar(text("SHOW server_version"))
        print(f"PostgreSQL {version}, Python {platform.python_version()}, pages of {PAGE} events,")
        print(f"{TURNS} turns each")
        for count in counts:
            _empty(server.engine())
            report(server, count)


if __name__ == "__main__":
    main()
