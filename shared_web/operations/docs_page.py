"""Page of the API's documentation: Swagger UI from an installed package, without other servers."""

from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse, Response

# Addresses are relative, so that the page works under a prefix of a proxy, too.
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="docs/favicon.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
_START = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  showExtensions: true,
  showCommonExtensions: true,
  validatorUrl: null,
});
"""
# The style sheet has images as data.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS = {"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff"}


def docs_routes(title: str) -> APIRouter:
    """Return the routes of the page and its files, which need no key."""
    router = APIRouter(prefix="/docs", include_in_schema=False)
    page = _PAGE.format(title=title)

    @router.get("")
    async def docs() -> Response:
        return HTMLResponse(page, headers=_HEADERS)

    @router.get("/start.js")
    async def start() -> Response:
        return Response(_START, media_type="text/javascript", headers=_HEADERS)

    @router.get("/swagger-ui-bundle.js")
    async def script() -> Response:
        return _file("swagger-ui-bundle.js", "text/javascript")

    @router.get("/swagger-ui.css")
    async def style() -> Response:
        return _file("swagger-ui.css", "text/css")

    @router.get("/favicon.png")
    async def icon() -> Response:
        return _file("favicon-32x32.png", "image/png")

    return router


def _file(name: str, media_type: str) -> Response:
    path = Path(str(files("fastapi_swagger"))) / "resources" / name
    return FileResponse(path, media_type=media_type, headers=_HEADERS)
