"""A page of the teacher's dashboard at 500 and 50,000 students: `python -m benchmarks.dashboard`.

Each page is read through HTTP from a place that was drawn by lot, in turn from the small and the
large school, so that both see the same machine. The limit is a ratio; times are told beside it.
"""

import argparse
import random
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from statistics import quantiles
from typing import Any

import httpx

from benchmarks.support.harness import migrated_server, service
from benchmarks.support.school import fill

ORDERS = ("student_id", "name", "mean_percentage", "last_activity_at", "-risk_score")
LIMIT = 1.3


class School:
    """One running service on a school of some size, and places in its lists to read from."""

    def __init__(self, stack: ExitStack, student_count: int, options: dict[str, str]) -> None:
        server = stack.enter_context(migrated_server(options))
        fill(server.engine(), student_count)
        url = stack.enter_context(service("staffstuddash_service", server, {}))
        headers = {"Authorization": f"Bearer {server.key}"}
        self._client = stack.enter_context(httpx.Client(base_url=url, headers=headers, timeout=60))
        self.student_count = student_count
        self._places = {order: self._cursors(order) for order in ORDERS}

    def time_page(self, order: str) -> float:
        """Read one page from a drawn place; return milliseconds."""
        after = random.choice(self._places[order])
        start = time.perf_counter()
        self.page(sort=order, limit=50, **({"after": after} if after else {}))
        return (time.perf_counter() - start) * 1000

    def time_cohort(self) -> float:
        """Read the cohort's dashboard; return milliseconds."""
        start = time.perf_counter()
        self._client.get("/api/v1/dashboard/cohort").raise_for_status()
        return (time.perf_counter() - start) * 1000

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


def p50_p99(times: Sequence[float]) -> tuple[float, float]:
    """Return the median and the 99th percentile."""
    cuts = quantiles(times, n=100)
    return cuts[49], cuts[98]


def compare(small: School, large: School, order: str, rounds: int) -> bool:
    """Read pages in turn, print both schools' percentiles, tell whether the ratio is kept."""
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


def main() -> int:
    """Return 0 when every order keeps the limit."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--students", type=int, default=50_000)
    options.add_argument("--rounds", type=int, default=400)
    chosen = options.parse_args()
    with ExitStack() as stack:
        small = School(stack, 500, {})
        large = School(stack, chosen.students, {})
        print(f"a page of 50, ms     at 500 students   at {chosen.students:,}          ratio")
        print("sorted by              p50     p99       p50     p99      p50     p99")
        kept = [compare(small, large, order, chosen.rounds) for order in ORDERS]
        for school in (small, large):
            p50, p99 = p50_p99([school.time_cohort() for _ in range(20)])
            print(f"the cohort of {school.student_count:,}: p50 {p50:.0f} ms, p99 {p99:.0f} ms")
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
