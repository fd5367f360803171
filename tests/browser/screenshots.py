"""Pictures of the pages with the demo school, for the documents: `make pictures`."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import FloatRect
from sqlalchemy import NullPool, create_engine
from typer.testing import CliRunner

from shared_db.connection.database import Database
from shared_db.connection.engine import normalised_url
from shared_db.settings import Environment
from shared_web.operations.serve import server_options
from tests.browser.chromium import PHONE, Page, chromium, page_of
from tests.support.live_services import listening, live_services
from tests.support.source_files import ROOT
from veritas_cli.main import app as command
from veritas_cli.migrations import migrate_all
from veritas_cli.postgres.server import LocalPostgres
from veritas_cli.processes.ports import free_port
from veritas_web.main import create_app
from veritas_web.sessions.seen import COOKIE
from veritas_web.settings import Settings

FOLDER = ROOT / "docs" / "images"
MOST_BYTES = 150_000
# Students in a list: few enough for changes in a class of the demo.
SEEN = "2"


@contextmanager
def demo_pages() -> Iterator[str]:
    """Start everything with the demo school; give the address of the pages."""
    with ExitStack() as running:
        folder = running.enter_context(TemporaryDirectory(ignore_cleanup_errors=True))
        postgres = LocalPostgres(Path(folder, "postgres"), port=free_port())
        running.callback(postgres.remove)
        running.enter_context(postgres)
        engine = create_engine(normalised_url(postgres.url), poolclass=NullPool)
        migrate_all(engine)
        urls = running.enter_context(live_services(lambda _: Database.for_bind(engine)))
        options = [word for pair in urls.items() for word in pair]
        shown = CliRunner().invoke(command, ["demo", *options])
        if shown.exit_code:
            raise RuntimeError(shown.output)
        settings = Settings(
            environment=Environment.DEVELOPMENT,
            web_monitoring_url=urls["--monitoring-url"],
            web_staffstuddash_url=urls["--staffstuddash-url"],
            web_dropout_url=urls["--dropout-url"],
        )
        port = running.enter_context(listening(create_app(settings), server_options(settings)))
        yield f"http://127.0.0.1:{port}"


def take(page: Page, name: str, *, height: int | None = None) -> None:
    """Write a picture; height: of its upper part, by default the window."""
    size = page.viewport_size
    assert size is not None
    area = FloatRect(x=0, y=0, width=size["width"], height=height or size["height"])
    content = page.screenshot(clip=area, full_page=True)
    if len(content) > MOST_BYTES:
        raise RuntimeError(f"{name} has {len(content)} bytes; at most {MOST_BYTES} are allowed")
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.png").write_bytes(content)


def take_all(address: str) -> None:
    """Write all pictures."""
    with chromium() as browser:
        with page_of(browser, address) as page:
            page.context.add_cookies([{"name": COOKIE, "value": SEEN, "url": address}])
            page.goto("/classes")
            page.locator("tbody th a").first.click()
            page.get_by_role("heading", level=1).wait_for()
            take(page, "class", height=900)
            page.locator(".students tbody th a").first.click()
            page.wait_for_url("**/students/*")
            take(page, "student", height=1100)
        with page_of(browser, address, size=PHONE, is_dark=True, language="de") as page:
            page.context.add_cookies([{"name": COOKIE, "value": SEEN, "url": address}])
            page.goto("/")
            take(page, "today-phone", height=1000)


if __name__ == "__main__":
    with demo_pages() as found:
        take_all(found)
