"""Pages of staff at 50,000 students, in the sight of a teacher: time, bytes and calls of services.

The pages run in this process, the services in processes of their own, as in production. Times are
those of the pages with all their calls. The limit is the 95th percentile of each page; bytes are
those after gzip.
"""

import asyncio
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from contextlib import ExitStack
from gzip import compress
from os import devnull
from pathlib import Path
from typing import Any

import httpx
import structlog
from starlette.types import ASGIApp

from benchmarks.support.class_places import fill_places
from benchmarks.support.command import run
from benchmarks.support.members import TEACHER, fill
from benchmarks.support.timing import machine
from shared_db.connection.database import Database
from shared_db.settings import Environment
from shared_web.auth.keys import KeyManager
from shared_web.principals import Permission
from staffstuddash_service.datastore import DatastoreManager
from tests.support.service_processes import Server, migrated_server, service
from veritas_web.main import create_app
from veritas_web.pages import static_files
from veritas_web.services.all import NAMES
from veritas_web.settings import Settings

LIMIT_MS = 300.0
# Of pages that are longer by design.
LIMITS_MS = {"School": 1000.0, "Meeting": 1000.0}
MOST_HTML, MOST_CSS = 30_000, 10_000
PAGES = {
    "Class": "/classes/c0",
    "Student": "/students/s000003?course=c0",
    "Write down": "/students/s000003/write-down?course=c0",
    "Today": "/",
    "Classes": "/classes",
    "Students": "/students?q=pupil",
    "School": "/school",
    "Meeting": "/meeting",
}
_ORIGIN = "http://127.0.0.1"
_SECRET = "of a benchmark, 32 characters long"  # noqa: S105 - protects nothing


class CountedTransport(httpx.AsyncHTTPTransport):
    """Way to a service that counts the calls of all of them."""

    calls = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Count the call, and send it."""
        CountedTransport.calls += 1
        return await super().handle_async_request(request)


def opened_pages(server: Server, urls: dict[str, str]) -> ASGIApp:
    """Return the pages on the services, with a key of their own."""
    keys = KeyManager(Database.for_bind(server.engine()))
    values: dict[str, Any] = {f"web_{name}_url": url for name, url in urls.items()}
    values |= {"web_key": keys.add_key("web", [Permission.ACT_AS]), "web_secret": _SECRET}
    settings = Settings(environment=Environment.DEVELOPMENT, **values)
    return create_app(settings, {name: CountedTransport() for name in NAMES})


async def measure(app: ASGIApp, token: str, rounds: int) -> bool:
    """Sign in, and print the figures of each page; return True if all are within their limits."""
    is_within = True
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=_ORIGIN, timeout=60) as client:
        answer = await client.post(
            "/sign-in/invitation", data={"token": token}, headers={"Origin": _ORIGIN}
        )
        if answer.status_code != httpx.codes.SEE_OTHER:
            raise SystemExit(f"The sign-in was answered with {answer.status_code}.")
        print(f"{'page':<12}{'p50, ms':>9}{'p95, ms':>9}{'calls':>7}{'HTML':>8}{'gzip':>8}")
        for name, path in PAGES.items():
            times, calls, html = await _timed(client, path, rounds)
            p50, p95 = _share(times, 0.5), _share(times, 0.95)
            packed = len(compress(html))
            is_within &= p95 <= LIMITS_MS.get(name, LIMIT_MS) and packed <= MOST_HTML
            print(
                f"{name:<12}{p50:>9.0f}{p95:>9.0f}{calls:>7.1f}{len(html):>8}{packed:>8}",
                flush=True,
            )
    css = len(compress(static_files()["veritas.css"][1]))
    scripts = sum(
        len(compress(body)) for name, (_, body) in static_files().items() if ".js" in name
    )
    print(f"after gzip: CSS {css:,} bytes, JavaScript {scripts:,} bytes")
    return is_within and css <= MOST_CSS


async def _timed(
    client: httpx.AsyncClient, path: str, rounds: int
) -> tuple[list[float], float, bytes]:
    """Return the times in milliseconds, the calls of a page, and its HTML."""
    html = (await client.get(path)).raise_for_status().content
    CountedTransport.calls = 0
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        (await client.get(path)).raise_for_status()
        times.append(1000 * (time.perf_counter() - begun))
    return times, CountedTransport.calls / rounds, html


def _share(times: Sequence[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(share * len(times)))]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--students", type=int, default=50_000)
    parser.add_argument("--marks", type=int, default=10, help="of each student, and events")
    parser.add_argument("--rounds", type=int, default=60)


def main(options: Namespace) -> bool:
    """Return True if every page is within its limits."""
    with ExitStack() as stack:
        # The log lines of the pages cost their time, and do not stand among the figures.
        nowhere = stack.enter_context(Path(devnull).open("w"))
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(nowhere))
        server = stack.enter_context(migrated_server({}))
        engine = server.engine()
        fill(engine, options.students, options.marks)
        fill_places(engine, options.students)
        datastore = DatastoreManager(Database.for_bind(engine))
        token = datastore.sign_ins.invite(TEACHER, days=1, actor="bench").token
        urls = {name: stack.enter_context(service(f"{name}_service", server, {})) for name in NAMES}
        print(machine(server))
        print(f"{options.students:,} students; pages of a teacher of 150")
        return asyncio.run(measure(opened_pages(server, urls), token, options.rounds))


if __name__ == "__main__":
    run("pages")
