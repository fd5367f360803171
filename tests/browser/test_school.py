"""Charts of the school and the agenda on paper, in Chromium."""

import pytest

from tests.browser.chromium import DESKTOP, PHONE, Browser, page_of
from tests.browser.conftest import Site
from tests.browser.test_accessibility import ALL_RULES, is_too_wide, violations
from tests.support.school_weeks import fill_weeks


@pytest.fixture(scope="module")
def filled(site: Site) -> Site:
    """Give the pages of a school with weeks of activity."""
    fill_weeks(site.school)
    return site


@pytest.mark.parametrize(
    ("size", "is_dark"),
    [(DESKTOP, False), (DESKTOP, True), (PHONE, False)],
    ids=["light", "dark", "phone"],
)
def test_the_charts_of_the_school_are_accessible(
    browser: Browser, filled: Site, size: tuple[int, int], is_dark: bool
) -> None:
    with page_of(browser, filled.open(), size=size, is_dark=is_dark) as page:
        page.goto("/school")
        assert page.locator("table.heat td.much-less").count() == 1
        assert page.get_by_text("can explain").count() == 1
        assert not is_too_wide(page)
        for summary in page.locator("main summary").all():
            summary.click()
        assert violations(page, ALL_RULES) == []


def test_an_agenda_on_paper_has_names_and_room_but_no_form(browser: Browser, filled: Site) -> None:
    with page_of(browser, filled.open()) as page:
        page.goto("/")
        page.get_by_label("I can see so many students a week").fill("2")
        page.get_by_role("button", name="Keep").click()
        page.goto("/meeting")
        page.emulate_media(media="print")

        assert page.locator(".place:visible, form:visible, nav:visible").count() == 0
        assert page.get_by_text("Dora").first.is_visible()
        assert page.get_by_role("heading", name="Notes").first.is_visible()
        assert page.get_by_role("link", name="Write down").count() == 0
