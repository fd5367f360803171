"""Chromium, and the pages and the three services as servers on ports of this machine."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest
from pydantic import SecretStr

from shared_db.settings import Environment
from shared_web.operations.serve import server_options
from tests.browser.chromium import Browser, chromium, is_installed
from tests.support.databases import engine_on, service_database
from tests.support.live_services import listening, live_services
from tests.support.page_schools import PageSchool, filled_school
from tests.support.quiet import patient_pages
from tests.support.screens import complete
from tests.support.server import admin_url, create_database, drop_database, new_name
from veritas_cli.processes.ports import free_port
from veritas_web.main import create_app
from veritas_web.settings import Settings


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a browser without a window."""
    if not is_installed():
        pytest.skip("`make browser` installs Chromium on Debian and Ubuntu")
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let calls of services take long."""
    with patient_pages(tmp_path_factory.mktemp("browser")):
        yield


@pytest.fixture(scope="module")
def site(browser: Browser, patient: None, template_name: str) -> Iterator["Site"]:
    """Give the pages of a small school."""
    assert (browser, patient) is not None
    name = new_name()
    engine = engine_on(create_database(admin_url(), name, template=template_name))
    with ExitStack() as running:
        school = filled_school(engine, {})
        complete(school)
        urls = running.enter_context(live_services(partial(service_database, engine)))
        yield Site(school, urls, running)
    drop_database(admin_url(), name)


class Site:
    """Pages of a school; each opening is a server of its own."""

    def __init__(self, school: PageSchool, urls: dict[str, str], running: ExitStack) -> None:
        self.school = school
        self._urls = urls
        self._running = running
        self._open: dict[tuple[Any, ...], str] = {}

    def open(self, *, away: Sequence[str] = (), key: str | None = None) -> str:
        """Return the address of the pages; away: services without a server on their port."""
        chosen = (*sorted(away), key)
        if chosen not in self._open:
            settings = Settings(
                environment=Environment.DEVELOPMENT,
                web_key=SecretStr(key) if key else None,
                web_monitoring_url=self._url("monitoring", away),
                web_staffstuddash_url=self._url("staffstuddash", away),
                web_dropout_url=self._url("dropout", away),
            )
            app = create_app(settings)
            port = self._running.enter_context(listening(app, server_options(settings)))
            self._open[chosen] = f"http://127.0.0.1:{port}"
        return self._open[chosen]

    def _url(self, name: str, away: Sequence[str]) -> str:
        return f"http://127.0.0.1:{free_port()}" if name in away else self._urls[f"--{name}-url"]
