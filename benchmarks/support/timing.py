"""Times of calls, and the machine on which they were measured."""

import os
import platform
import time
from collections.abc import Callable, Sequence
from statistics import quantiles

from sqlalchemy import text

from tests.support.service_processes import Server


def timed(work: Callable[[], object]) -> float:
    """Return the seconds of one call."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def p50_p99(times: Sequence[float]) -> tuple[float, float]:
    """Return the median and the 99th percentile."""
    cuts = quantiles(times, n=100)
    return cuts[49], cuts[98]


def machine(server: Server) -> str:
    """Return cores, Python, PostgreSQL and its durability, on which all figures depend."""
    with server.engine().connect() as connection:
        version, fsync = (
            connection.scalar(text(f"SHOW {name}")) for name in ("server_version", "fsync")
        )
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, "
        f"PostgreSQL {version} with fsync {fsync}; service, database and load on this machine"
    )
