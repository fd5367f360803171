"""Processor time of counting a request, and of a whole request that does nothing.

A process of its own: prometheus_client chooses the place of its values when it is imported.
"""

import asyncio
import time
from collections.abc import Callable, MutableMapping
from typing import Any

from prometheus_client import CollectorRegistry

import monitoring_service.main
from monitoring_service.database import MonitoringDatabase
from monitoring_service.models import Base
from monitoring_service.settings import Settings
from shared_db.connection.database import Database
from shared_web.operations.metrics.requests import RequestMetrics

_REQUESTS = 20_000
_PER_LIVEZ = 10


def main() -> None:
    """Print the microseconds of counting, and of a request to `/livez` with its counting."""
    metrics = RequestMetrics(CollectorRegistry())

    def count() -> None:
        metrics.begin("GET")
        metrics.end("GET", "/api/v1/students/{student_id}", 200, 0.003)

    print(_microseconds(count, _REQUESTS), asyncio.run(_of_livez()))


def _microseconds(work: Callable[[], object], times: int) -> float:
    begun = time.process_time()
    for _ in range(times):
        work()
    return 1e6 * (time.process_time() - begun) / times


async def _of_livez() -> float:
    manager = MonitoringDatabase(Database.in_memory(Base.metadata))
    app = monitoring_service.main.create_app(manager, Settings(environment="development"))
    scope: MutableMapping[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": "/livez",
        "raw_path": b"/livez",
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8001),
        "scheme": "http",
        "http_version": "1.1",
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_message: MutableMapping[str, Any]) -> None:
        pass

    begun = time.process_time()
    for _ in range(_REQUESTS // _PER_LIVEZ):
        await app({**scope, "state": {}}, receive, send)
    return 1e6 * (time.process_time() - begun) * _PER_LIVEZ / _REQUESTS


if __name__ == "__main__":
    main()
