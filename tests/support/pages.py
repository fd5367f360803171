"""Staff pages on the three real apps, in one process."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import httpx
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from shared_db.settings import Environment
from tests.support.databases import LOOPBACK, OpenDatabase
from tests.support.services import PARTS
from veritas_web.main import create_app
from veritas_web.services.all import NAMES
from veritas_web.settings import Settings


class NoService(httpx.AsyncBaseTransport):
    """Way to a service that is away."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Refuse the connection."""
        raise httpx.ConnectError("refused", request=request)


class OneAtATime(httpx.ASGITransport):
    """Way to an app, on which requests wait for one another: tests share one connection."""

    def __init__(self, app: ASGIApp, turn: asyncio.Lock) -> None:
        super().__init__(app, client=(LOOPBACK, 50000))
        self._turn = turn

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the app's answer, once it is the request's turn."""
        async with self._turn:
            return await super().handle_async_request(request)


@contextmanager
def services(open_database: OpenDatabase) -> Iterator[dict[str, ASGIApp]]:
    """Start the three apps as in development, without keys; give them by name."""
    with ExitStack() as running:
        apps: dict[str, ASGIApp] = {}
        for name in NAMES:
            parts = PARTS[name]
            settings = parts.settings(environment=Environment.DEVELOPMENT, cache_seconds=0)
            app = parts.app(open_database(parts.metadata), settings)
            running.enter_context(TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000)))
            apps[name] = app
        yield apps


@contextmanager
def pages(
    apps: Mapping[str, ASGIApp], *, away: tuple[str, ...] = (), settings: Settings | None = None
) -> Iterator[TestClient]:
    """Start the pages; give their client, which follows no redirect.

    away: services that do not answer.
    """
    turn = asyncio.Lock()
    ways: dict[str, httpx.AsyncBaseTransport] = {
        name: OneAtATime(app, turn) for name, app in apps.items()
    }
    ways |= dict.fromkeys(away, NoService())
    app = create_app(settings or Settings(environment=Environment.DEVELOPMENT), ways)
    address = f"http://{LOOPBACK}"
    with TestClient(app, address, client=(LOOPBACK, 50000), follow_redirects=False) as client:
        yield client
