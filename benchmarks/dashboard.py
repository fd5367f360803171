"""Pages of the teacher's dashboard at 500 and at 50,000 students.

Each page is read through HTTP at a random place, in turns from the small and the large school. The
limit is the ratio of both.
"""

import random
from argparse import ArgumentParser, Namespace
from contextlib import ExitStack
from functools import partial
from typing import Any

import httpx

from benchmarks.support.command import run
from benchmarks.support.school import fill
from benchmarks.support.timing import p50_p99, timed
from tests.support.service_processes import migrated_server, service

ORDERS = ("student_id", "name", "mean_percentage", "last_activity_at", "-risk_score")
LIMIT = 1.3


class School:
    """One running service on a school of some size, and cursors in its lists."""

    def __init__(self, stack: ExitStack, student_count: int, options: dict[str, str]) -> None:
        server = stack.enter_context(migrated_server(options))
        fill(server.engine(), student_count)
        url = stack.enter_context(service("staffstuddash_service", server, {}))
        headers = {"Authorization": f"Bearer {server.key}"}
        self._client = stack.enter_context(httpx.Client(base_url=url, headers=headers, timeout=60))
        self.student_count = student_count
        self._places = {order: self._cursors(order) for order in ORDERS}

    def time_page(self, order: str) -> float:
        """Read one page at a random cursor; return milliseconds."""
        after = random.choice(self._places[order])
        query = {"sort": order, "limit": 50, **({"after": after} if after else {})}
        return 1000 * timed(partial(self.page, **query))

    def time_cohort(self) -> float:
        """Read the cohort's dashboard; return milliseconds."""
        path = "/api/v1/dashboard/cohort"
        return 1000 * timed(lambda: self._client.get(path).raise_for_status())

    def page(self, **query: Any) -> Any:
        """Return one page."""
        answer = self._client.get("/api/v1/dashboard/teacher", params=query)
        return answer.raise_for_status().json()

    def _cursors(self, order: str) -> list[str | None]:
        # The last pages are left out: they are short.
        cursors: list[str | None] = [None]
        step = 50 if self.student_count < 10_000 else 1000
        page = self.page(sort=order, limit=step)
        while page["next"] is not None:
            cursors.append(page["next"])
            page = self.page(sort=order, limit=step, after=page["next"])
        return cursors[:-1]


def compare(small: School, large: School, order: str, rounds: int) -> bool:
    """Print percentiles of pages read in turns; return True if the ratio is within the limit."""
    times: dict[int, list[float]] = {small.student_count: [], large.student_count: []}
    for school in (small, large) * rounds:
        times[school.student_count].append(school.time_page(order))
    (few_50, few_99), (many_50, many_99) = map(p50_p99, times.values())
    ratio, ratio_99 = many_50 / few_50, many_99 / few_99
    print(
        f"{order:<18} {few_50:7.1f} {few_99:7.1f} {many_50:9.1f} {many_99:7.1f}"
        f" {ratio:8.2f} {ratio_99:7.2f}"
    )
    return ratio <= LIMIT and ratio_99 <= LIMIT


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--students", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=400)


def main(options: Namespace) -> bool:
    """Return True if every order is within the limit."""
    with ExitStack() as stack:
        small = School(stack, 500, {})
        large = School(stack, options.students, {})
        print(f"a page of 50, ms     at 500 students   at {options.students:,}          ratio")
        print("sorted by              p50     p99       p50     p99      p50     p99")
        kept = [compare(small, large, order, options.rounds) for order in ORDERS]
        for school in (small, large):
            p50, p99 = p50_p99([school.time_cohort() for _ in range(20)])
            print(f"the cohort of {school.student_count:,}: p50 {p50:.0f} ms, p99 {p99:.0f} ms")
    return all(kept)


if __name__ == "__main__":
    run("dashboard")
