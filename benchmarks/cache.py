"""Cohort dashboard for many clients at once, with kept answers and without."""

from argparse import ArgumentParser, Namespace

from benchmarks.support.command import run
from benchmarks.support.school import fill
from benchmarks.support.timing import machine
from benchmarks.support.wrk import Load, measure
from tests.support.service_processes import migrated_server, service

COHORT = Load("/api/v1/dashboard/cohort", method="GET")
# Times as many requests with kept answers as without.
LEAST_GAIN = 20


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--students", type=int, default=50_000)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=int, default=10, help="of each measurement")


def main(options: Namespace) -> bool:
    """Return True if kept answers allow at least `LEAST_GAIN` times the requests."""
    rates = {}
    with migrated_server({}) as server:
        fill(server.engine(), options.students)
        print(machine(server))
        print(f"{options.students:,} students, {options.clients} clients; requests a second")
        for seconds in ("0", "2"):
            # No request is refused, which would be cheaper than an answer.
            settings = {"CACHE_SECONDS": seconds, "EXPENSIVE_READS": str(options.clients)}
            with service("staffstuddash_service", server, settings) as url:
                measure(COHORT, url, server.key, clients=1, seconds=1)
                found = measure(
                    COHORT, url, server.key, clients=options.clients, seconds=options.seconds
                )
            rates[seconds] = (found.requests - found.refused) / found.seconds
            print(
                f"kept for {seconds} s  {rates[seconds]:8.1f}   p50 {found.p50:7.1f} ms   "
                f"p99 {found.p99:7.1f} ms   refused {found.refused}",
                flush=True,
            )
    return rates["2"] >= LEAST_GAIN * rates["0"]


if __name__ == "__main__":
    run("cache")
