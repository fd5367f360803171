"""Probes of the process."""

from typing import Any

from fastapi import APIRouter, Response

from veritas_web.dependencies import CurrentApp, caller_for
from veritas_web.services.rest import Away, Refused
from veritas_web.sessions.people import KEY_REMEDY

router = APIRouter()

_UNAUTHENTICATED = 401


@router.get("/livez")
async def get_livez() -> dict[str, Any]:
    """Return that the process serves pages."""
    return {"status": "pass"}


@router.get("/readyz")
async def get_readyz(parts: CurrentApp, response: Response) -> dict[str, Any]:
    """Return the state of the pages; a service that is away is no failure of them.

    The pages come without it, and say so. A key that is refused fails the probe in production.
    """
    me = await parts.clients.of(caller_for(parts, None)).staffstuddash.me()
    if isinstance(me, Refused) and me.status == _UNAUTHENTICATED:
        response.status_code = 200 if parts.settings.may_be_keyless else 503
        return {"status": "fail", "detail": KEY_REMEDY}
    return {"status": "pass", "staffstuddash": "away" if isinstance(me, Away) else "pass"}
