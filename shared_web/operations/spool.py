"""Spool of a service: attached at its start, replayed while it runs, named in its answers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
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
from shared_web.settings import ServiceSettings

logger = structlog.stdlib.get_logger("veritas.spool")

STORAGE_HEADER = "Veritas-Storage"


@dataclass(frozen=True)
class SpoolConfig:
    """Types of rows that a service can spool, and the manager that inserts them at replay."""

    manager: Manager
    types: Sequence[SpoolableType[Any, Any]]


class StorageNote:
    """Note of one request: whether its answer rests on the spool."""

    is_spool = False


_note: ContextVar[StorageNote | None] = ContextVar("veritas_storage", default=None)


def rests_on_spool() -> bool:
    """Return True if the answer to the request at hand rests on the spool."""
    note = _note.get()
    return note is not None and note.is_spool


def _mark_as_spool() -> None:
    note = _note.get()
    if note is not None:
        note.is_spool = True


def attach_spool(settings: ServiceSettings, manager: Manager, service: str) -> None:
    """Attach a spool to the manager if the settings ask for it; log why it cannot be written."""
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
    manager.spool.on_use = _mark_as_spool
    manager.spool.attach(spool)


@contextmanager
def replaying(spooling: SpoolConfig | None, background: BackgroundWork) -> Iterator[None]:
    """Replay the rows that wait as long as the context lasts."""
    spool = spooling.manager.spool.spool if spooling is not None else None
    if spool is None or spooling is None:
        yield
        return
    work = background.add("replay")
    manager = spooling.manager
    replayer = SpoolReplayer(manager.database, spool, manager, spooling.types, work=work)
    replayer.start()
    try:
        yield
    finally:
        replayer.stop()
        spool.close()


class StorageHeader:
    """Middleware that names the store of the rows, when that is not PostgreSQL."""

    def __init__(self, app: ASGIApp, database: Database) -> None:
        self.app = app
        self.database = database

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        # The same object in every thread that works for this request.
        note = StorageNote()

        async def send_with_storage(message: Message) -> None:
            if message["type"] == "http.response.start":
                if self.database.is_open_in_memory:
                    MutableHeaders(scope=message)[STORAGE_HEADER] = "memory"
                elif note.is_spool:
                    MutableHeaders(scope=message)[STORAGE_HEADER] = "spool"
            await send(message)

        token = _note.set(note)
        try:
            await self.app(scope, receive, send_with_storage)
        finally:
            _note.reset(token)
