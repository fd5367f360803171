"""Server process of one service: `python -m staffstuddash_service`."""

import gc
import logging
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import uvicorn
from fastapi import FastAPI

from shared_db.errors import ConfigurationError
from shared_db.resilience import descriptors
from shared_web.operations.logging import configure_logging
from shared_web.operations.metrics.folder import metrics_folder
from shared_web.settings import ServiceSettings
from shared_web.wire.connections import Connections, Limits
from shared_web.wire.protocol import LimitedProtocol

logger = logging.getLogger(__name__)

DRAIN_SECONDS = 10
# A worker answers its first health check after its imports: over five seconds on a busy machine.
_WORKER_ANSWER_SECONDS = 60
# A batch makes tens of thousands of objects, hardly any of them in reference cycles.
_GC_THRESHOLD = 20_000


def serve(package: str, load_settings: Callable[[], ServiceSettings], port_of: str) -> None:
    """Serve `package.main:create_app` until stopped; exit with one line if a setting is wrong.

    port_of: the name of the setting that holds the port.
    """
    descriptors.raise_limit()
    service = package.removesuffix("_service").removeprefix("veritas_")
    try:
        settings = load_settings()
        configure_logging(settings, service)
        with metrics_folder(settings.workers):
            _check_startup(package)
            _run(package, settings, getattr(settings, port_of))
    except ConfigurationError as refusal:
        sys.exit(f"{package} does not start: {refusal}")


def _run(package: str, settings: ServiceSettings, port: int) -> None:
    tune_gc()
    _warn_if_lowered(settings.max_connections)
    uvicorn.run(
        f"{package}.main:create_app",
        factory=True,
        host=settings.host,
        port=port,
        workers=settings.workers,
        reload=settings.reload,
        reload_dirs=_source_folders(package) if settings.reload else None,
        **server_options(settings),
    )


def server_options(settings: ServiceSettings) -> dict[str, Any]:
    """Return uvicorn's options of every service; each worker process has a copy."""
    limits = limits_of(settings)
    return {
        "http": partial(LimitedProtocol, connections=Connections(limits)),
        "ws": "none",
        "proxy_headers": bool(limits.trusted_proxies),
        "forwarded_allow_ips": list(limits.trusted_proxies),
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "timeout_graceful_shutdown": DRAIN_SECONDS,
        "timeout_worker_healthcheck": _WORKER_ANSWER_SECONDS,
    }


def limits_of(settings: ServiceSettings) -> Limits:
    """Return the limits of connections from the settings."""
    return Limits(
        connections=settings.max_connections,
        connections_per_client=settings.max_connections_per_client,
        trusted_proxies=tuple(map(str, settings.trusted_proxies)),
        header_seconds=settings.header_seconds,
        keep_alive_seconds=settings.keep_alive_seconds,
        bytes_per_second=settings.min_bytes_per_second,
    )


def _warn_if_lowered(wanted: int) -> None:
    room = descriptors.room_for_connections()
    if room < wanted:
        logger.warning(
            "MAX_CONNECTIONS=%d is more than LimitNOFILE / ulimit -n has room for: %d are taken",
            wanted,
            room,
        )


def tune_gc() -> None:
    """Exempt the present objects, which live as long as the process, and collect less often."""
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD)


def _check_startup(package: str) -> None:
    # Uvicorn would print a traceback for a wrong setting; this gives one line.
    gc.disable()  # imports leave no garbage, but a fifth of their time is the search
    try:
        app: FastAPI = import_module(f"{package}.main").create_app()
    finally:
        gc.enable()
    app.state.prepare()


def _source_folders(package: str) -> list[str]:
    specs = (find_spec(name) for name in ("shared_db", "shared_web", package))
    return [folder for spec in specs if spec for folder in spec.submodule_search_locations or ()]
