"""List of further pages."""

from fastapi import APIRouter, Request, Response

from veritas_web.dependencies import STAFF, CurrentViewer
from veritas_web.domain.more import further_pages
from veritas_web.pages import page

router = APIRouter(dependencies=[STAFF])


@router.get("/more")
async def get_more(request: Request, viewer: CurrentViewer) -> Response:
    """Return the further pages that the reader may open."""
    context = {"further": further_pages(viewer.may, sees_all=viewer.sees_all)}
    return page(request, "more.html", context)
