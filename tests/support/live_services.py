"""The three services listening on ports of this machine, in threads of the test's process."""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import structlog
import uvicorn
from fastapi import FastAPI
from sqlalchemy import MetaData
from starlette.types import ASGIApp

import dropout_service.main
import monitoring_service.main
import staffstuddash_service.main
from dropout_service.database import DropoutDatabaseManager
from dropout_service.models import Base as DropoutBase
from dropout_service.settings import Settings as DropoutSettings
from monitoring_service.database import MonitoringDatabase
from monitoring_service.models import Base as MonitoringBase
from monitoring_service.settings import Settings as MonitoringSettings
from shared_db.connection.database import Database
from shared_db.settings import Environment
from shared_web.operations.serve import server_options
from shared_web.settings import ServiceSettings
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.models import Base as StaffstuddashBase
from staffstuddash_service.settings import Settings as StaffstuddashSettings

DEVELOPMENT = Environment.DEVELOPMENT

S = TypeVar("S", bound=ServiceSettings)


@contextmanager
def live_services(open_database: Callable[[MetaData], Database]) -> Iterator[dict[str, str]]:
    """Run the three services; give their URLs by the name of the option that takes them."""
    monitoring = MonitoringDatabase(open_database(MonitoringBase.metadata))
    datastore = DatastoreManager(open_database(StaffstuddashBase.metadata))
    dropout = DropoutDatabaseManager(open_database(DropoutBase.metadata))
    with (
        _logging_apart(),
        _serving(
            partial(monitoring_service.main.create_app, monitoring),
            MonitoringSettings(environment=DEVELOPMENT),
        ) as monitoring_url,
        _serving(
            partial(staffstuddash_service.main.create_app, datastore),
            StaffstuddashSettings(environment=DEVELOPMENT),
        ) as staffstuddash_url,
        _serving(
            partial(dropout_service.main.create_app, dropout),
            DropoutSettings(environment=DEVELOPMENT),
        ) as dropout_url,
    ):
        yield {
            "--monitoring-url": monitoring_url,
            "--staffstuddash-url": staffstuddash_url,
            "--dropout-url": dropout_url,
        }


@contextmanager
def _logging_apart() -> Iterator[None]:
    # Not to standard output: a command that a test runs in this process has taken its place.
    before = structlog.get_config()
    structlog.configure(logger_factory=structlog.stdlib.LoggerFactory())
    yield
    structlog.configure(**before)


@contextmanager
def _serving(create_app: Callable[[S], FastAPI], settings: S) -> Iterator[str]:
    with listening(create_app(settings), server_options(settings)) as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def listening(app: ASGIApp, options: Mapping[str, Any]) -> Iterator[int]:
    """Serve the app with these options of uvicorn's; give the port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    server = uvicorn.Server(uvicorn.Config(app, **options))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
