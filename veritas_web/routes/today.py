"""Today: the page that a reader sees first."""

from fastapi import APIRouter, Request, Response

from veritas_web.dependencies import CurrentServices
from veritas_web.pages import page

router = APIRouter()


@router.get("/")
async def get_today(request: Request, services: CurrentServices) -> Response:
    """Return the page of today."""
    return page(request, "today.html", {"courses": await services.dropout.courses()})
