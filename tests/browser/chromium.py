"""Chromium of the machine, driven by Playwright."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

EXECUTABLE = Path("/usr/bin/chromium")
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP = (1280, 900)
PHONE = (320, 640)
__all__ = ["DESKTOP", "PHONE", "Browser", "Page", "chromium", "is_installed", "page_of"]


def is_installed() -> bool:
    """Return True if there is a Chromium."""
    return EXECUTABLE.exists()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser; it ends with the context."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def page_of(
    browser: Browser,
    address: str,
    *,
    size: tuple[int, int] = DESKTOP,
    is_dark: bool = False,
    language: str = "en",
    person: str | None = None,
    scripts: bool = True,
) -> Iterator[Page]:
    """Open a page of the site; person: the reader, by default a developer.

    scripts: False for a browser in which pages run none.
    """
    width, height = size
    context = browser.new_context(
        base_url=address,
        viewport={"width": width, "height": height},
        color_scheme="dark" if is_dark else "light",
        locale=language,
        java_script_enabled=scripts,
    )
    context.set_default_timeout(60_000)
    try:
        if person is not None:
            context.request.post("/act-as", form={"person": person}, headers={"Origin": address})
        yield context.new_page()
    finally:
        context.close()
