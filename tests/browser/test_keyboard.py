"""Way from the page of today to a stored note, by the keyboard alone."""

import pytest

from tests.browser.chromium import DESKTOP, PHONE, Browser, Page, page_of
from tests.browser.conftest import Site
from tests.support.page_schools import TEACHER
from veritas_web.languages import translations

MOST_PRESSES = 12
FOCUSED = """() => {
  const one = document.activeElement;
  if (one === document.body) return "";
  const label = one.labels && one.labels[0];
  const name = one.getAttribute("aria-label") || (label && label.innerText) || one.innerText;
  return (name || "").trim();
}"""


class Keyboard:
    """Keyboard of a reader with nothing but the name of the focused element."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.presses = 0
        self.seen: list[str] = []

    def press(self, key: str) -> None:
        """Press a key."""
        self.presses += 1
        self.page.keyboard.press(key)

    def go_to(self, name: str) -> None:
        """Press the tabulator until an element of this accessible name has the focus."""
        while not (seen := str(self.page.evaluate(FOCUSED))).startswith(name):
            self.seen.append(seen[:40])
            assert self.presses < MOST_PRESSES, f"{name} is not reached: {self.seen}"
            self.press("Tab")


@pytest.mark.parametrize(
    ("away", "size", "language", "scripts"),
    [((), DESKTOP, "en", False), (("dropout",), PHONE, "de", True)],
    ids=["whole", "small, German, without dropout"],
)
def test_a_note_is_written_by_few_keys(
    browser: Browser,
    site: Site,
    away: tuple[str, ...],
    size: tuple[int, int],
    language: str,
    scripts: bool,
) -> None:
    say = translations(language).gettext
    note = f"Asked about Monday, {language}"
    with page_of(
        browser, site.open(away=away), size=size, language=language, person=TEACHER, scripts=scripts
    ) as page:
        page.goto("/")
        keys = Keyboard(page)
        keys.go_to(say("Skip to the content"))
        keys.press("Enter")
        keys.go_to("Ada Lovelace")
        keys.press("Enter")
        page.wait_for_url("**/students/s001*")
        keys.go_to(say("Skip to the content"))
        keys.press("Enter")
        keys.go_to(say("Note, or the step that you plan"))
        page.keyboard.type(note)
        keys.go_to(say("Write down"))
        keys.press("Enter")
        page.wait_for_url("**/students/s001?*action=*")

        assert page.get_by_text(note).count() == 1
        assert page.get_by_role("button", name=say("Undo")).count() == 1
    assert keys.presses <= MOST_PRESSES
