"""Spool of a service: attached at the start, replayed while it runs, shown in response headers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared_db.background_work.state import BackgroundWork
from shared_db.connection.database import Database
from shared_db.repository import Manager
from shared_db.spool.file import SpoolLimits, SpoolUnavailable
from shared_db.spool.queue import Spool
from shared_db.spool.replay import SpoolReplayer
from shared_db.spool.spoolable import SpoolableType
from shared_web.requests.storage_note import begin_note, end_note, mark_as_spool
from shared_web.settings import ServiceSettings

logger = structlog.stdlib.get_logger("veritas.spool")

STORAGE_HEADER = "Veritas-Storage"


@dataclass(frozen=True)
class SpoolConfig:
    """Types of additions that a service can spool, and the manager that replays them."""

    manager: Manager
    types: Sequence[SpoolableType[Any, Any]]


def attach_spool(settings: ServiceSettings, manager: Manager, service: str) -> None:
    """Attach a spool to the manager, if configured; log an error if the file is not writable."""
    if manager.use_fallback or not settings.spools_when_away or manager.spool.spool is not None:
        return
    limits = SpoolLimits(settings.spool_max_rows, settings.spool_max_bytes)
    spool = Spool.of_service(settings.spool_path, service, limits)
    try:
        spool.open()
    except SpoolUnavailable as failure:
        logger.error("no spool, as with FALLBACK=off", reason=str(failure))  # noqa: TRY400 - one line
        manager.spool.failure = str(failure)
        return
    manager.spool.on_use = mark_as_spool
    manager.spool.attach(spool)


@contextmanager
def replaying(spool_config: SpoolConfig | None, background: BackgroundWork) -> Iterator[None]:
    """Replay the spool during the context."""
    spool = spool_config.manager.spool.spool if spool_config is not None else None
    if spool is None or spool_config is None:
        yield
        return
    work = background.add("replay")
    manager = spool_config.manager
    replayer = SpoolReplayer(manager.database, spool, manager, spool_config.types, work=work)
    replayer.start()
    try:
        yield
    finally:
        replayer.stop()
        spool.close()


class StorageHeader:
    """Middleware that adds a header if rows are stored elsewhere than in PostgreSQL."""

    def __init__(self, app: ASGIApp, database: Database) -> None:
        self.app = app
        self.database = database

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        note, token = begin_note()

        async def send_with_storage(message: Message) -> None:
            if message["type"] == "http.response.start":
                if self.database.is_open_in_memory:
                    MutableHeaders(scope=message)[STORAGE_HEADER] = "memory"
                elif note.is_spool:
                    MutableHeaders(scope=message)[STORAGE_HEADER] = "spool"
            await send(message)

        try:
            await self.app(scope, receive, send_with_storage)
        finally:
            end_note(token)
