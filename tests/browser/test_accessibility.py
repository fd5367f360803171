"""Accessibility of every screen: axe-core finds nothing, and a narrow page needs no scrolling."""

from collections.abc import Iterable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Locator

from tests.browser.chromium import DESKTOP, PHONE, Browser, Page, page_of
from tests.browser.conftest import Site
from tests.support.page_schools import CLASS
from tests.support.screens import OFFICE, OTHERS, OWN, SCREENS, STUDENT_READER

ALL_RULES: dict[str, object] = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}
CONTRAST: dict[str, object] = {
    "resultTypes": ["violations"],
    "runOnly": {"type": "rule", "values": ["color-contrast"]},
}
EMPTY = {name: SCREENS[name] for name in ("today", "classes", "students")}


def violations(page: Page, options: dict[str, object]) -> list[str]:
    """Return the violations of a page, with their places."""
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{one['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for one in found
        for node in one["nodes"]
    ]


def is_too_wide(page: Page) -> bool:
    """Return True if one has to scroll sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


def refused_by_policy(page: Page) -> list[str]:
    """Return a list that gets the messages about sources that the page may not load."""
    found: list[str] = []

    def keep(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            found.append(message.text)

    page.on("console", keep)
    return found


def visited(page: Page, addresses: dict[str, str]) -> Iterable[str]:
    """Open one page after the other; give their names."""
    for name, address in addresses.items():
        page.goto(address)
        yield name


@pytest.mark.parametrize(
    ("size", "is_dark", "options"),
    [(DESKTOP, False, ALL_RULES), (DESKTOP, True, CONTRAST), (PHONE, False, ALL_RULES)],
    ids=["light", "dark", "phone"],
)
def test_every_screen_is_accessible(
    browser: Browser,
    site: Site,
    size: tuple[int, int],
    is_dark: bool,
    options: dict[str, object],
) -> None:
    with page_of(browser, site.open(), size=size, is_dark=is_dark) as page:
        refused = refused_by_policy(page)
        found = {
            name: [*violations(page, options), *(["too wide"] if is_too_wide(page) else [])]
            for name in visited(page, SCREENS | OFFICE | OTHERS)
        }

    assert {name: faults for name, faults in found.items() if faults} == {}
    assert refused == []


def test_own_pages_of_a_student_are_accessible(browser: Browser, site: Site) -> None:
    with page_of(browser, site.open(), size=PHONE) as page:
        page.goto("/act-as")
        page.get_by_label("Id, user name").fill(STUDENT_READER)
        page.get_by_role("button", name="Look as this person").click()
        page.wait_for_url("**/me")
        found = {
            name: [*violations(page, ALL_RULES), *(["too wide"] if is_too_wide(page) else [])]
            for name in visited(page, OWN)
        }

    assert {name: faults for name, faults in found.items() if faults} == {}


def test_screens_from_right_to_left_are_accessible_and_mirrored(
    browser: Browser, site: Site
) -> None:
    names = ("today", "class", "student of a class", "school", "quality", "effects")
    addresses = {name: SCREENS[name] for name in names}
    with page_of(browser, site.open(), size=PHONE, language="ar") as page:
        found = {
            name: [*violations(page, ALL_RULES), *(["too wide"] if is_too_wide(page) else [])]
            for name in visited(page, addresses)
        }
        page.goto(SCREENS["student of a class"])
        chart, zero = page.locator("svg.line").first, page.locator("svg.line text").nth(1)
        middles = [
            box["x"] + box["width"] / 2 for box in map(Locator.bounding_box, (chart, zero)) if box
        ]

    assert {name: faults for name, faults in found.items() if faults} == {}
    assert middles == sorted(middles)


@pytest.mark.parametrize("away", ["dropout", "staffstuddash"])
def test_screens_with_a_service_away_are_accessible(
    browser: Browser, site: Site, away: str
) -> None:
    addresses = {name: SCREENS[name] for name in ("today", "class", "student", "form")}
    with page_of(browser, site.open(away=[away]), size=PHONE) as page:
        found = {name: violations(page, ALL_RULES) for name in visited(page, addresses)}

    assert {name: faults for name, faults in found.items() if faults} == {}


def test_the_sign_in_is_accessible(browser: Browser, site: Site) -> None:
    with page_of(browser, site.open(key="key")) as page:
        page.goto("/sign-in")
        assert violations(page, ALL_RULES) == []


def test_a_refused_form_names_its_faults(browser: Browser, site: Site) -> None:
    with page_of(browser, site.open(), size=PHONE) as page:
        page.goto(f"{SCREENS['student']}?course={CLASS}")
        page.get_by_label("I plan a step").check()
        page.get_by_role("button", name="Write down").click()
        page.get_by_role("alert").wait_for()
        assert violations(page, ALL_RULES) == []
        assert page.get_by_label("Note, or the step").get_attribute("aria-invalid") == "true"


@pytest.mark.parametrize("screen", ["class", "student of a class"])
def test_paper_has_no_places_and_no_forms(browser: Browser, site: Site, screen: str) -> None:
    with page_of(browser, site.open()) as page:
        page.goto(SCREENS[screen])
        assert page.locator(".place:visible").count() > 0
        page.emulate_media(media="print")

        assert page.locator(".place:visible, form:visible, nav:visible").count() == 0
        assert page.get_by_text("Dora").first.is_visible()
