"""Running one service as a process: `python -m staffstuddash_service`."""

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
from shared_web.operations.gc_tuning import tune_gc
from shared_web.operations.logging import configure_logging
from shared_web.settings import ServiceSettings
from shared_web.wire.connections import Connections, Limits
from shared_web.wire.protocol import LimitedProtocol

logger = logging.getLogger(__name__)

DRAIN_SECONDS = 10


def serve(package: str, load_settings: Callable[[], ServiceSettings], port_of: str) -> None:
    """Serve `package.main:create_app` until stopped; a wrong setting is one line and status 2.

    port_of: the name of the setting that holds the port.
    """
    descriptors.raise_limit()
    try:
        settings = load_settings()
        configure_logging(settings, package.removesuffix("_service"))
        _try_starting(package)
    except ConfigurationError as refusal:
        sys.exit(f"{package} does not start: {refusal}")
    tune_gc()
    _say_if_lowered(settings.max_connections)
    uvicorn.run(
        f"{package}.main:create_app",
        factory=True,
        host=settings.host,
        port=getattr(settings, port_of),
        workers=settings.workers,
        reload=settings.reload,
        reload_dirs=_source_folders(package) if settings.reload else None,
        **server_options(settings),
    )


def server_options(settings: ServiceSettings) -> dict[str, Any]:
    """Return uvicorn's options that every server of ours has, wherever it listens.

    With several workers they are copied into each process.
    """
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
    }


def limits_of(settings: ServiceSettings) -> Limits:
    """Return the limits that the settings ask for."""
    return Limits(
        connections=settings.max_connections,
        connections_per_client=settings.max_connections_per_client,
        trusted_proxies=tuple(map(str, settings.trusted_proxies)),
        header_seconds=settings.header_seconds,
        keep_alive_seconds=settings.keep_alive_seconds,
        bytes_per_second=settings.min_bytes_per_second,
    )


def _say_if_lowered(wanted: int) -> None:
    room = descriptors.room_for_connections()
    if room < wanted:
        logger.warning(
            "MAX_CONNECTIONS=%d is more than LimitNOFILE / ulimit -n has room for: %d are taken",
            wanted,
            room,
        )


def _try_starting(package: str) -> None:
    # Uvicorn would print a traceback; here a wrong setting is still one line.
    app: FastAPI = import_module(f"{package}.main").create_app()
    app.state.prepare()


def _source_folders(package: str) -> list[str]:
    specs = (find_spec(name) for name in ("shared_db", "shared_web", package))
    return [folder for spec in specs if spec for folder in spec.submodule_search_locations or ()]
