"""Running one service as a process: `python -m staffstuddash_service`."""

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

import uvicorn
from fastapi import FastAPI

from shared_db.errors import ConfigurationError
from shared_web.collecting import collect_less
from shared_web.logs import configure_logging
from shared_web.settings import ServiceSettings

DRAIN_SECONDS = 10


def serve(package: str, load_settings: Callable[[], ServiceSettings], port_of: str) -> None:
    """Serve `package.main:create_app` until stopped; a wrong setting is one line and status 2.

    port_of: the name of the setting that holds the port.
    """
    try:
        settings = load_settings()
        configure_logging(settings, package.removesuffix("_service"))
        _try_starting(package)
    except ConfigurationError as refusal:
        sys.exit(f"{package} does not start: {refusal}")
    collect_less()
    uvicorn.run(
        f"{package}.main:create_app",
        factory=True,
        host=settings.host,
        port=getattr(settings, port_of),
        workers=settings.workers,
        reload=settings.reload,
        reload_dirs=_source_folders(package) if settings.reload else None,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


def _try_starting(package: str) -> None:
    # Uvicorn would print a traceback; here a wrong setting is still one line.
    app: FastAPI = import_module(f"{package}.main").create_app()
    app.state.prepare()


def _source_folders(package: str) -> list[str]:
    specs = (find_spec(name) for name in ("shared_db", "shared_web", package))
    return [folder for spec in specs if spec for folder in spec.submodule_search_locations or ()]
