"""App of the staff pages: wiring only."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware.base import RequestResponseEndpoint

from veritas_web.dependencies import Viewer
from veritas_web.errors import PageError
from veritas_web.headers import PageHeaders
from veritas_web.pages import page
from veritas_web.routes import probes, static, today
from veritas_web.services.all import Clients, Transports
from veritas_web.settings import Settings

_ROUTERS = (probes.router, static.router, today.router)


def create_app(settings: Settings | None = None, transports: Transports | None = None) -> FastAPI:
    """Return the app; transports: ways to the services other than the network, by name."""
    chosen = settings or Settings.load()
    clients = Clients(chosen, transports)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await clients.close()

    app = FastAPI(
        title="Veritas pages", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan
    )
    app.state.settings = chosen
    app.state.clients = clients
    app.state.prepare = lambda: None
    for router in _ROUTERS:
        app.include_router(router)
    app.add_exception_handler(PageError, _failed)
    app.add_exception_handler(StarletteHTTPException, _failed)
    app.middleware("http")(_with_viewer)
    app.add_middleware(PageHeaders)
    return app


async def _with_viewer(request: Request, call_next: RequestResponseEndpoint) -> Response:
    request.state.viewer = Viewer(None, "developer", is_developer=True)
    return await call_next(request)


async def _failed(request: Request, failure: Exception) -> Response:
    status = PageError.status
    if isinstance(failure, PageError):
        status = failure.status
    elif isinstance(failure, StarletteHTTPException):
        status = failure.status_code
    return page(request, "failed.html", {"status": status}, status)
