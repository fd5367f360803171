"""Probes of the process."""

from typing import Any

from fastapi import APIRouter

router = APIRouter()


@router.get("/livez")
@router.get("/readyz")
async def get_livez() -> dict[str, Any]:
    """Return that the process serves pages; a service that is away is named on the pages."""
    return {"status": "pass"}
