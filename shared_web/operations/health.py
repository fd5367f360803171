"""Health routes: alive, ready, state of each part; open to everybody, so without details."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy import text

from shared_db.background_work.state import BackgroundWork
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.errors import DatabaseBusy, DatabaseUnavailable, Overloaded
from shared_db.spool.access import SpoolAccess
from shared_db.spool.file import SpoolUnavailable
from shared_web.operations.background_checks import background_checks
from shared_web.problems import documented

T = TypeVar("T")

# So long an answer of the server counts for the probes that follow it.
FRESH_SECONDS = 2
_PROBES_AT_ONCE = 4
# Every status, each worse than those before it.
_WORSE = ("pass", "warn", "fail")


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class SpoolOut(BaseModel):
    """Rows that wait in the spool, the age of the oldest, and rows that the database refused.

    is_full: while the database is away, additions are answered 503.
    """

    waiting: int
    oldest_seconds: float | None
    refused: int
    is_full: bool


class Ready(BaseModel):
    """Requests can be served; `storage` tells by which store.

    `spool`: the database is away, additions are accepted into the spool, other requests get 503.
    """

    status: Literal["ready"] = "ready"
    storage: Literal["postgresql", "memory", "spool"]
    warning: str | None = None
    spool: SpoolOut | None = None


HEALTH: dict[str, Any] = {
    "content": {
        "application/health+json": {
            "schema": {
                "type": "object",
                "required": ["status"],
                "properties": {
                    "status": {"enum": ["pass", "warn", "fail"]},
                    "version": {"type": "string"},
                    "serviceId": {"type": "string"},
                    "checks": {"type": "object"},
                },
            }
        }
    }
}


def ping(database: Database) -> None:
    """Ask the store for nothing.

    Raises:
        DatabaseUnavailable: it does not answer.
        DatabaseBusy: it has no connection left.

    """
    with database.reading() as session:
        session.execute(text("SELECT 1"))


def require_store(database: Database) -> None:
    """Return if the store answers; PostgreSQL is asked only if it answered nothing lately.

    Raises:
        DatabaseUnavailable: it does not answer.
        DatabaseBusy: it has no connection left.

    """
    availability = database.store.breaker
    if availability is None:
        ping(database)
    else:
        availability.require_answer(FRESH_SECONDS)


def health_routes(
    service: str,
    version: str,
    database: Database,
    access: SpoolAccess,
    background: BackgroundWork,
) -> APIRouter:
    """Return the routes for probes; they need no key.

    Their threads are their own: where all others are in use, the probes are still answered.
    """
    router = APIRouter(tags=["health"])
    threads = ProbeThreads()

    @router.get("/livez")
    async def livez() -> Alive:
        """Answer while the process runs, whatever the state of the database."""
        return Alive()

    @router.get("/readyz", responses=documented(DatabaseUnavailable, Overloaded))
    async def readyz() -> Ready:
        """Answer if requests can be served; 503 with the reason when the store is away."""
        return await threads.run(partial(_ready, database, access))

    @router.get(
        "/health",
        response_class=HealthResponse,
        responses={
            200: {"description": "Working", **HEALTH},
            503: {"description": "Not", **HEALTH},
        },
    )
    async def health() -> HealthResponse:
        """Return the state in the form of `application/health+json`; 503 when the store is away."""
        checks = await threads.run(partial(_checks, database, access)) | background_checks(
            background
        )
        status = max((check["status"] for [check] in checks.values()), key=_WORSE.index)
        body = {"status": status, "version": version, "serviceId": service, "checks": checks}
        return HealthResponse(body, status_code=503 if status == "fail" else 200)

    return router


class ProbeThreads:
    """Threads that only probes use."""

    def __init__(self) -> None:
        self._limiter: CapacityLimiter | None = None

    async def run(self, work: Callable[[], T]) -> T:
        """Return what the work returns, done in one of the threads."""
        if self._limiter is None:  # it belongs to the loop of the app
            self._limiter = CapacityLimiter(_PROBES_AT_ONCE)
        return await to_thread.run_sync(work, limiter=self._limiter)


def _checks(database: Database, access: SpoolAccess) -> dict[str, list[dict[str, Any]]]:
    spool = _spool_of(access)
    status, output = _store_status(database, spool)
    store = {"componentType": "datastore", "status": status, "output": output}
    checks = {"database:connection": [store]}
    if spool is not None:
        checks["spool:waiting"] = [_spool_check(spool)]
    elif access.spool is not None or access.failure is not None:
        checks["spool:waiting"] = [_UNUSABLE_SPOOL]
    if damaged := _damaged_files(access):
        checks["spool:damaged"] = [_damage_check(damaged)]
    return checks


def _damaged_files(access: SpoolAccess) -> Sequence[Path]:
    try:
        return access.spool.damaged_files() if access.spool is not None else ()
    except OSError:  # no file descriptor is left, which the other checks tell
        return ()


def _damage_check(files: Sequence[Path]) -> dict[str, Any]:
    return {
        "componentType": "system",
        "observedValue": len(files),
        "observedUnit": "files",
        "status": "warn",
        "output": "A damaged spool was set aside. `veritas spool status` tells what to do.",
    }


def _ready(database: Database, access: SpoolAccess) -> Ready:
    spool = _spool_of(access)
    why = _away(database, spool)
    if why is not None:
        if spool is not None and spool.is_full:
            raise DatabaseUnavailable(f"The spool is full, and {why[0].lower()}{why[1:]}")
        return Ready(storage="spool", warning=f"Additions wait in the spool: {why}", spool=spool)
    reason = database.store.memory_reason
    if reason is None:
        return Ready(storage="postgresql", warning=_waiting(spool), spool=spool)
    return Ready(storage="memory", warning=f"Rows are gone when the service stops: {reason}.")


def _waiting(spool: SpoolOut | None) -> str | None:
    """Return a sentence about the rows that wait, None if no row does."""
    if spool is None or not spool.waiting:
        return None
    full = " The spool is full." if spool.is_full else ""
    return (
        f"Rows wait to be stored: {spool.waiting}, the oldest for {spool.oldest_seconds or 0:.0f} "
        f"seconds.{full}"
    )


def _away(database: Database, spool: SpoolOut | None) -> str | None:
    """Return why additions are spooled; None when they are not.

    Raises:
        DatabaseUnavailable: the database is away, and there is no spool.
        DatabaseBusy: it has no connection left, which is no outage.

    """
    try:
        require_store(database)
    except DatabaseUnavailable as failure:
        if spool is None:
            raise
        return failure.detail
    availability = database.store.breaker
    return availability.reason if availability is not None and spool is not None else None


def _spool_of(access: SpoolAccess) -> SpoolOut | None:
    if access.spool is None:
        return None
    try:
        state = access.spool.state()
    except SpoolUnavailable:
        return None
    age = (utc_now() - state.oldest_at).total_seconds() if state.oldest_at else None
    return SpoolOut(
        waiting=state.waiting, oldest_seconds=age, refused=state.refused, is_full=state.is_full
    )


_UNUSABLE_SPOOL = {
    "componentType": "system",
    "status": "fail",
    "output": "The spool cannot be used, so additions are refused while the database is away. "
    "The log tells why.",
}


def _spool_check(spool: SpoolOut) -> dict[str, Any]:
    sentences = [_waiting(spool), f"Rows refused: {spool.refused}." if spool.refused else None]
    return {
        "componentType": "system",
        "observedValue": spool.waiting,
        "observedUnit": "rows",
        "oldestSeconds": spool.oldest_seconds,
        "refused": spool.refused,
        "status": _spool_status(spool),
        "output": " ".join(filter(None, sentences)),
    }


def _spool_status(spool: SpoolOut) -> Literal["pass", "warn", "fail"]:
    if spool.is_full:
        return "fail"
    return "warn" if spool.waiting or spool.refused else "pass"


def _store_status(
    database: Database, spool: SpoolOut | None
) -> tuple[Literal["pass", "warn", "fail"], str]:
    try:
        why = _away(database, spool)
    except (DatabaseUnavailable, DatabaseBusy, Overloaded) as failure:
        return "fail", failure.detail
    if why is not None:
        return "warn", f"Additions wait in the spool: {why}"
    if database.use_fallback:
        return "warn", "Rows are kept in memory."
    return "pass", ""


class HealthResponse(JSONResponse):
    """The media type of the draft `draft-inadarei-api-health-check`."""

    media_type = "application/health+json"
