"""Static files; their addresses change with their content, so a browser may keep them."""

from mimetypes import guess_type

from fastapi import APIRouter, Response

from veritas_web.errors import PageNotFound
from veritas_web.pages import static_files

router = APIRouter()

_FOR_EVER = "public, max-age=31536000, immutable"


@router.get("/static/{digest}/{name}")
async def get_static(digest: str, name: str) -> Response:
    """Return a file of `static/`."""
    known, content = static_files().get(name, ("", b""))
    if known != digest:
        raise PageNotFound(name)
    kind = guess_type(name)[0] or "application/octet-stream"
    return Response(content, media_type=kind, headers={"Cache-Control": _FOR_EVER})
