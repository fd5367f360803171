"""Answers about a whole school through HTTP, beside the times that they must not exceed.

Each unit of work opens a connection; the median time of opening one is subtracted.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median

import httpx

from benchmarks.support.command import run
from benchmarks.support.courses import fill_courses
from benchmarks.support.log_rows import load
from benchmarks.support.school import fill
from benchmarks.support.timing import machine, timed
from shared_db.clock import utc_now
from tests.support.service_processes import Server, migrated_server, service

_TWENTY = ",".join(f"c{number:03}" for number in range(20))
# Service, path and the limit in milliseconds, apart from connecting.
ANSWERS = {
    "summary of risks": ("dropout_service", "/api/v1/analytics/summary", 150),
    "cohort": ("staffstuddash_service", "/api/v1/dashboard/cohort", 150),
    "sources": ("monitoring_service", "/api/v1/monitoring/sources", 20),
    "statistics": ("monitoring_service", "/api/v1/monitoring/stats", 20),
    "teacher's page": ("staffstuddash_service", "/api/v1/dashboard/teacher?limit=50", 30),
    "changes, 100 courses": ("dropout_service", "/api/v1/changes?limit=100", 100),
    "changes, 20 courses": ("dropout_service", f"/api/v1/changes?course__in={_TWENTY}", 100),
    "changes, a course": ("dropout_service", "/api/v1/courses/c003/changes", 100),
    "brief risks": ("dropout_service", "/api/v1/courses/c003/risks?view=brief&history=8", 100),
    "activity": ("dropout_service", "/api/v1/students/s000321/activity?course=c000", 100),
    "freshness": ("dropout_service", "/api/v1/freshness?limit=100", 100),
    "student": ("staffstuddash_service", "/api/v1/dashboard/student/s000321", 30),
}


def measured(server: Server, rounds: int) -> Iterator[tuple[str, float, int]]:
    """Yield each answer with its median without connecting and its limit, in milliseconds."""
    engine = server.engine()
    connecting = median(timed(lambda: engine.connect().close()) for _ in range(rounds))
    print(f"connecting: {1000 * connecting:.1f} ms")
    headers = {"Authorization": f"Bearer {server.key}"}
    for package in dict.fromkeys(package for package, _, _ in ANSWERS.values()):
        with (
            service(package, server, {"CACHE_SECONDS": "0"}) as url,
            httpx.Client(base_url=url, headers=headers, timeout=60) as client,
        ):
            for name, (of, path, limit) in ANSWERS.items():
                if of != package:
                    continue

                def ask(path: str = path, client: httpx.Client = client) -> None:
                    client.get(path).raise_for_status()

                ask()
                seconds = median(timed(ask) for _ in range(rounds))
                yield name, 1000 * (seconds - connecting), limit


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--students", type=int, default=50_000)
    parser.add_argument("--weeks", type=int, default=8, help="of predictions of each student")
    parser.add_argument("--course-weeks", type=int, default=8, help="of predictions in courses")
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=30)


def main(options: Namespace) -> bool:
    """Return True if every answer is within its limit."""
    with ExitStack() as stack:
        server = stack.enter_context(migrated_server({}))
        load(server.engine(), options.events, utc_now())
        fill(server.engine(), options.students, weeks=options.weeks)
        fill_courses(server.engine(), options.students, weeks=options.course_weeks, active=10_000)
        print(machine(server))
        print(f"{options.students:,} students, {options.events:,} events; medians in ms")
        kept = True
        for name, milliseconds, limit in measured(server, options.rounds):
            kept &= milliseconds <= limit
            print(f"{name:<20} {milliseconds:8.1f}   limit {limit}", flush=True)
    return kept


if __name__ == "__main__":
    run("whole_school")
