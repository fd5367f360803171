"""Whether the service lives, is ready, and how it is; open to everybody, so without details."""

from collections.abc import Callable
from typing import Any, Literal

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy import text

from shared_db.clock import utc_now
from shared_db.database import Database
from shared_db.errors import DatabaseBusy, DatabaseUnavailable, Overloaded
from shared_db.spool import SpoolUnwritable
from shared_web.problems import documented


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class SpoolOut(BaseModel):
    """What waits in the spool, how old the oldest is, and how much the database refused."""

    waiting: int
    oldest_seconds: float | None
    refused: int


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


def health_routes(service: str, version: str, database: Callable[[], Database]) -> APIRouter:
    """Return the routes that watchers call; they need no key."""
    router = APIRouter(tags=["health"])

    @router.get("/livez")
    async def livez() -> Alive:
        """Tell that the process runs; says nothing of the database."""
        return Alive()

    @router.get("/readyz", responses=documented(DatabaseUnavailable, Overloaded))
    def readyz() -> Ready:
        """Tell whether requests can be served; 503 with the reason when the store is away."""
        return _ready(database())

    @router.get(
        "/health",
        response_class=HealthResponse,
        responses={
            200: {"description": "Working", **HEALTH},
            503: {"description": "Not", **HEALTH},
        },
    )
    def health() -> HealthResponse:
        """Tell the state in the form of `application/health+json`; 503 when the store is away."""
        spool = _spool_of(database())
        status, output = _store_status(database(), spool)
        check = {"componentType": "datastore", "status": status, "output": output}
        body: dict[str, Any] = {
            "status": status,
            "version": version,
            "serviceId": service,
            "checks": {"database:connection": [check]},
        }
        if spool is not None:
            body["checks"]["spool:waiting"] = [_spool_check(spool)]
            is_warning = status == "pass" and spool.refused
            body["status"] = "warn" if is_warning else status
        return HealthResponse(body, status_code=503 if status == "fail" else 200)

    return router


def _ready(database: Database) -> Ready:
    spool = _spool_of(database)
    why = _away(database, spool)
    if why is not None:
        return Ready(storage="spool", warning=f"Additions wait in the spool: {why}", spool=spool)
    reason = database.store.memory_reason
    if reason is None:
        return Ready(storage="postgresql", spool=spool)
    return Ready(storage="memory", warning=f"Rows are gone when the service stops: {reason}.")


def _away(database: Database, spool: SpoolOut | None) -> str | None:
    """Return why additions are spooled; None when they are not.

    Raises:
        DatabaseUnavailable: the database is away, and there is no spool.
        DatabaseBusy: it has no connection left, which is no outage.

    """
    try:
        ping(database)
    except DatabaseUnavailable as failure:
        if spool is None:
            raise
        return failure.detail
    availability = database.store.availability
    return availability.reason if availability is not None and spool is not None else None


def _spool_of(database: Database) -> SpoolOut | None:
    if database.spool is None:
        return None
    try:
        state = database.spool.state()
    except SpoolUnwritable:
        return None
    age = (utc_now() - state.oldest_at).total_seconds() if state.oldest_at else None
    return SpoolOut(waiting=state.waiting, oldest_seconds=age, refused=state.refused)


def _spool_check(spool: SpoolOut) -> dict[str, Any]:
    output = f"{spool.refused} refused" if spool.refused else ""
    status = "warn" if spool.waiting or spool.refused else "pass"
    return {
        "componentType": "system",
        "observedValue": spool.waiting,
        "observedUnit": "rows",
        "oldestSeconds": spool.oldest_seconds,
        "refused": spool.refused,
        "status": status,
        "output": output,
    }


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
