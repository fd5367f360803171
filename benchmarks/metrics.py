"""Cost of metrics: counting a request beside a request that does nothing, and a scrape.

The limit is the share of counting in the processor time of `/livez` without network, the cheapest
request, with one process and with several, which count in files.
"""

import os
import subprocess
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from statistics import median

from sqlalchemy import text

from benchmarks.support.command import run
from benchmarks.support.timing import machine, timed
from dropout_service.database import DropoutDatabaseManager
from dropout_service.metrics import DataMetrics
from shared_db.connection.database import Database
from shared_web.operations.metrics.folder import VARIABLE
from tests.support.service_processes import migrated_server

LIMIT = 0.10
TURNS = 5
DAYS = 60
STUDENTS = """
INSERT INTO dropout.students (id, pseudonym, created_at)
SELECT 's' || n, decode(md5(n::text), 'hex'), now() FROM generate_series(1, :students) n
"""
ACTIVITY = """
INSERT INTO dropout.daily_activity
SELECT 's' || n, 20000 + day, 'course-' || n % :courses,
       now(), now(), 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 60, 1
FROM generate_series(1, :students) n, generate_series(1, :days) day
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--students", type=int, default=50_000)
    parser.add_argument("--courses", type=int, default=400)


def main(options: Namespace) -> bool:
    """Return True if counting is within the limit."""
    is_within = True
    with tempfile.TemporaryDirectory() as folder:
        for title, environment in (("one process", {}), ("several", {VARIABLE: folder})):
            turns = [_counting(environment) for _ in range(TURNS)]
            counting, request = (median(each) for each in zip(*turns, strict=True))
            is_within &= counting / request <= LIMIT
            print(
                f"counting, {title:<12}{counting:>8.1f} us of a request of {request:.0f} us:"
                f" {counting / request:.1%}"
            )
    _scrape(options)
    return is_within


def _counting(environment: dict[str, str]) -> tuple[float, float]:
    command = [sys.executable, "-m", "benchmarks.support.counting"]
    quiet = {**os.environ, **environment, "LOG_LEVEL": "ERROR"}
    done = subprocess.run(command, env=quiet, check=True, capture_output=True, text=True)
    counting, request = map(float, done.stdout.splitlines()[-1].split())
    return counting, request


def _scrape(options: Namespace) -> None:
    with migrated_server() as server:
        print(machine(server))
        engine = server.engine()
        with engine.begin() as connection:
            for statement in (STUDENTS, ACTIVITY, "ANALYZE"):
                connection.execute(text(statement), {**vars(options), "days": DAYS})
        manager = DropoutDatabaseManager(Database.for_bind(engine))
        reading = [timed(manager.measures.read_measures) for _ in range(TURNS)]
        print(
            f"data of {options.courses} courses, read once a minute: {1e3 * median(reading):.1f} ms"
        )
        metrics = DataMetrics(manager)
        metrics.measure()
        kept = [timed(metrics.measure) for _ in range(TURNS)]
        print(f"the same, kept: {1e3 * median(kept):.3f} ms")


if __name__ == "__main__":
    run("metrics")
