"""Three services that listen on ports of this machine, in threads of the test's process."""

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import structlog
import uvicorn
from starlette.types import ASGIApp

from shared_db.settings import Environment
from shared_web.operations.serve import server_options
from tests.support.databases import OpenDatabase
from tests.support.services import PARTS


@contextmanager
def live_services(open_database: OpenDatabase) -> Iterator[dict[str, str]]:
    """Run the three services; give their URLs by the command's option for each."""
    with ExitStack() as running:
        running.enter_context(_logging_apart())
        urls = {}
        for name, parts in PARTS.items():
            settings = parts.settings(environment=Environment.DEVELOPMENT)
            app = parts.app(open_database(parts.metadata), settings)
            port = running.enter_context(listening(app, server_options(settings)))
            urls[f"--{name}-url"] = f"http://127.0.0.1:{port}"
        yield urls


@contextmanager
def _logging_apart() -> Iterator[None]:
    # Not to standard output: a command under test captures it in this process.
    before = structlog.get_config()
    structlog.configure(logger_factory=structlog.stdlib.LoggerFactory())
    yield
    structlog.configure(**before)


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
