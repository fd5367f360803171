"""Whether the service lives, is ready, and how it is; open to everybody, so without details."""

from collections.abc import Callable
from typing import Any, Literal

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy import text

from shared_db.database import Database
from shared_db.errors import DatabaseBusy, DatabaseUnavailable
from shared_web.problems import documented


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    """The store answers; `storage` tells which one it is."""

    status: Literal["ready"] = "ready"
    storage: Literal["postgresql", "memory"]
    warning: str | None = None


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

    @router.get("/readyz", responses=documented(DatabaseUnavailable))
    def readyz() -> Ready:
        """Tell whether requests can be served; 503 with the reason when the store is away."""
        ping(database())
        reason = database().store.memory_reason
        if reason is None:
            return Ready(storage="postgresql")
        return Ready(storage="memory", warning=f"Rows are gone when the service stops: {reason}.")

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
        status, output = _store_status(database())
        check = {"componentType": "datastore", "status": status, "output": output}
        body = {
            "status": status,
            "version": version,
            "serviceId": service,
            "checks": {"database:connection": [check]},
        }
        return HealthResponse(body, status_code=503 if status == "fail" else 200)

    return router


def _store_status(database: Database) -> tuple[Literal["pass", "warn", "fail"], str]:
    try:
        ping(database)
    except (DatabaseUnavailable, DatabaseBusy) as failure:
        return "fail", failure.detail
    if database.use_fallback:
        return "warn", "Rows are kept in memory."
    return "pass", ""


class HealthResponse(JSONResponse):
    """The media type of the draft `draft-inadarei-api-health-check`."""

    media_type = "application/health+json"
