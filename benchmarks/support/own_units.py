"""Services without group commit: each single event has a unit of work of its own.

`python -m benchmarks.support.own_units monitoring` serves like `python -m monitoring_service`.
"""

import sys
from collections.abc import Sequence
from typing import TypeVar

import uvicorn
from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool

import dropout_service.main
import monitoring_service.main
from dropout_service.database import DropoutDatabaseManager
from dropout_service.settings import Settings as DropoutSettings
from monitoring_service.database import MonitoringDatabase
from monitoring_service.settings import Settings as MonitoringSettings
from shared_db.errors import ServiceError
from shared_db.writes.group_commit import GroupCommit
from shared_web.operations.logging import configure_logging
from shared_web.operations.serve import server_options
from shared_web.settings import ServiceSettings

Q = TypeVar("Q")
R = TypeVar("R")


class OwnUnits(GroupCommit[Q, R]):
    """Stands in for group commit, and writes each request in a thread."""

    async def write_async(self, request: Q, size: int) -> R:  # noqa: ARG002 - the original's
        """Return the answer once the request is committed."""
        answers: Sequence[R | ServiceError] = await run_in_threadpool(self.flush, [request])
        [answer] = answers
        if isinstance(answer, ServiceError):
            raise answer
        return answer


def monitoring() -> tuple[FastAPI, ServiceSettings, int]:
    """Return monitoring's app, its settings and its port."""
    settings = MonitoringSettings.load()
    manager = MonitoringDatabase()
    manager.events.commits = OwnUnits(manager.events.commits.flush)
    app = monitoring_service.main.create_app(manager, settings)
    return app, settings, settings.monitoring_port


def dropout() -> tuple[FastAPI, ServiceSettings, int]:
    """Return dropout's app, its settings and its port."""
    settings = DropoutSettings.load()
    manager = DropoutDatabaseManager()
    manager.events.commits = OwnUnits(manager.events.commits.flush)
    return dropout_service.main.create_app(manager, settings), settings, settings.dropout_port


def main(name: str) -> None:
    """Serve until stopped."""
    app, settings, port = {"monitoring": monitoring, "dropout": dropout}[name]()
    configure_logging(settings, name)
    uvicorn.run(app, host=settings.host, port=port, **server_options(settings))


if __name__ == "__main__":
    main(sys.argv[1])
