"""Health routes for probes; they need no key, so they show no details."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

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
from shared_web.audit.recording import ReadAudit
from shared_web.operations.background_checks import background_checks
from shared_web.problems import documented
from shared_web.threads import ReservedThreads

# Probes within this time after an answer of the server do not ask it again.
FRESH_SECONDS = 2
_PROBES_AT_ONCE = 4
# Every status, in the order of severity.
_SEVERITY = ("pass", "warn", "fail")

# Lists of checks by name, as `/health` has them.
Checks = dict[str, list[dict[str, Any]]]


class Alive(BaseModel):
    """Answer of a process that runs."""

    status: Literal["alive"] = "alive"


class SpoolOut(BaseModel):
    """Rows in the spool: pending ones, the age of the oldest, and rejected ones.

    is_full: while the database is unavailable, additions are answered 503.
    """

    waiting: int
    oldest_seconds: float | None
    refused: int
    is_full: bool


class Ready(BaseModel):
    """Answer of a service that can serve requests, with the storage that it uses.

    `spool`: the database is unavailable, additions are spooled, other requests are answered 503.
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
    """Run an empty query on the database.

    Raises:
        DatabaseUnavailable: it does not answer.
        DatabaseBusy: it has no connection left.

    """
    with database.reading() as session:
        session.execute(text("SELECT 1"))


def require_store(database: Database) -> None:
    """Check that the database answers; PostgreSQL is asked only if no recent answer is known.

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
    audit: ReadAudit | None = None,
    own_checks: Callable[[], Checks] | None = None,
) -> APIRouter:
    """Return the routes for probes, which need no key.

    own_checks: those of this service alone; they answer without waiting.
    They use their own threads, so they answer even if all other threads are busy.
    """
    router = APIRouter(tags=["health"])
    threads = ReservedThreads(_PROBES_AT_ONCE)

    @router.get("/livez")
    async def livez() -> Alive:
        """Return 200 if the process runs, whatever the state of the database."""
        return Alive()

    @router.get("/readyz", responses=documented(DatabaseUnavailable, Overloaded))
    async def readyz() -> Ready:
        """Return 200 if requests can be served, or 503 with the reason."""
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
        """Return the state as `application/health+json`; 503 if the database is unavailable."""
        checks = await threads.run(partial(_checks, database, access))
        checks |= background_checks(background)
        if audit is not None:
            checks |= await threads.run(audit.checks)
        if own_checks is not None:
            checks |= await threads.run(own_checks)
        status = max((check["status"] for [check] in checks.values()), key=_SEVERITY.index)
        body = {"status": status, "version": version, "serviceId": service, "checks": checks}
        return HealthResponse(body, status_code=503 if status == "fail" else 200)

    return router


def _checks(database: Database, access: SpoolAccess) -> Checks:
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
    except OSError:  # no file descriptor is left, which the other checks report
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
    why = _outage_reason(database, spool)
    if why is not None:
        if spool is not None and spool.is_full:
            raise DatabaseUnavailable(f"The spool is full, and {why[0].lower()}{why[1:]}")
        return Ready(storage="spool", warning=f"Additions wait in the spool: {why}", spool=spool)
    reason = database.store.memory_reason
    if reason is None:
        return Ready(storage="postgresql", warning=_waiting_sentence(spool), spool=spool)
    return Ready(storage="memory", warning=f"Rows are gone when the service stops: {reason}.")


def _waiting_sentence(spool: SpoolOut | None) -> str | None:
    """Return a sentence about the pending rows, or None if there are none."""
    if spool is None or not spool.waiting:
        return None
    full = " The spool is full." if spool.is_full else ""
    return (
        f"Rows wait to be stored: {spool.waiting}, the oldest for {spool.oldest_seconds or 0:.0f} "
        f"seconds.{full}"
    )


def _outage_reason(database: Database, spool: SpoolOut | None) -> str | None:
    """Return the reason why additions are spooled, or None if they are not.

    Raises:
        DatabaseUnavailable: the database does not answer, and there is no spool.
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
    sentences = [
        _waiting_sentence(spool),
        f"Rows refused: {spool.refused}." if spool.refused else None,
    ]
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
        why = _outage_reason(database, spool)
    except (DatabaseUnavailable, DatabaseBusy, Overloaded) as failure:
        return "fail", failure.detail
    if why is not None:
        return "warn", f"Additions wait in the spool: {why}"
    if database.use_fallback:
        return "warn", "Rows are kept in memory."
    return "pass", ""


class HealthResponse(JSONResponse):
    """Response with the media type of the draft `draft-inadarei-api-health-check`."""

    media_type = "application/health+json"
