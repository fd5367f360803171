"""Rules of ethics, on the HTML of every screen in all its states."""

import colorsys
import re
from collections.abc import Sequence
from functools import cache

import pytest

from dropout_service.domain.enums import DropoutType, RiskLevel
from tests.support.catalogues import TRANSLATED, catalogue_of, extracted
from tests.support.page_schools import NOW, PageSchool
from tests.support.screens import OWN, Rendered, complete, rendered
from tests.support.visible import texts, words
from veritas_web.domain.reasons import TOPICS
from veritas_web.pages import STATIC

CODES = {*map(str, DropoutType), *map(str, RiskLevel)}
JUDGING = {
    "en": r"at[ -]risk|risk score|fail(s|ed|ing|ure)?|silent|dropout|drop out|weak student",
    "de": r"gefährdet\w*|risiko\w*|versag\w*|abbrecher\w*|stumm\w*|auffällig\w*",
    "fr": r"risques?|échec\w*|échou\w*|décroch\w*|abandon\w*|silencieu\w*|élèves? faibles?",
    "es": r"riesgos?|fracas\w*|abandon\w*|deser(ci|to)\w*|silencios\w*|reprob\w*|suspens\w*"
    r"|débil(es)?",
    "ar": r"\w*(خطر|مخاطر|فشل|فاشل|راسب|رسوب|تسرب|صامت|ضعيف|ضعفاء|متعثر)\w*",
}
NEVER = re.compile(rf"\b({'|'.join(JUDGING.values())})\b", re.IGNORECASE)
# Of the school of these tests: 1 minus a tenth of the place.
SCORES = re.compile(r"\b0[.,][5-9]\b|\b[5-9]\d(\.0)? ?% (risk|likely)")
# The globe is that of the languages.
CHARTS = re.compile(r"prediction|/classes|<svg (?!class=\"globe\")")
COLOUR = re.compile(r"#([0-9a-f]{3,8})\b|\b(red|crimson|tomato|firebrick|darkred|maroon)\b")
REDDEST = 20 / 360
# Services that a screen cannot do without, if not both.
BOTH = ("dropout", "staffstuddash")
NEEDS = {
    "classes": ("dropout",),
    "class without hits": ("staffstuddash",),
    "students": ("staffstuddash",),
    "students without hits": ("staffstuddash",),
    "form": ("staffstuddash",),
    "more": (),
    "people": ("staffstuddash",),
    "people without hits": ("staffstuddash",),
    "person": ("staffstuddash",),
    "roles": ("staffstuddash",),
    "open a student": (),
    "new role": (),
    "role": ("staffstuddash",),
    "role to delete": (),
    "keys": ("staffstuddash",),
    "new key": (),
    "key to revoke": (),
    "export": ("staffstuddash",),
    "erasure of a held student": ("staffstuddash",),
    "hold": ("staffstuddash",),
    "openings": ("staffstuddash",),
    "imports": ("staffstuddash",),
    "new import": (),
    "checked import": ("staffstuddash",),
    "running import": ("staffstuddash",),
    "own data": (),
    "quality": ("dropout",),
    "effects": (),
    "effects of a class": (),
    "incident": ("monitoring",),
    "incident without events": ("monitoring",),
}
# Not even these are on a student's own pages.
NOT_ABOUT_ONESELF = re.compile(
    r"\b(place[ds]?|rank(ed|s)?|reasons?|risks?|scores?|signs?|likely|advice|predict\w*|missed)\b",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def screens(page_school: PageSchool) -> Sequence[Rendered]:
    """Give all screens."""
    complete(page_school)
    return tuple(rendered(page_school))


@cache
def is_red(colour: str) -> bool:
    """Return True for a saturated colour near red on the circle of hues."""
    if not re.fullmatch(r"[0-9a-f]+", colour):
        return True
    digits = "".join(2 * digit for digit in colour) if len(colour) < 6 else colour
    red, green, blue = (int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4))
    hue, _, _ = colorsys.rgb_to_hls(red, green, blue)
    brightest = max(red, green, blue)
    is_grey = brightest - min(red, green, blue) <= brightest / 4
    return not is_grey and (hue < REDDEST or hue > 1 - REDDEST)


def test_no_colour_is_red() -> None:
    css = "".join(file.read_text() for file in STATIC.glob("*.css"))
    colours = [found[0] or found[1] for found in COLOUR.findall(css.lower())]

    assert len(colours) > 5
    assert [colour for colour in colours if is_red(colour)] == []
    assert not re.search(r"\b(rgb|hsl|lab|lch|oklab|oklch|color)a?\(", css), (
        "write colours as #rrggbb"
    )


def test_pages_have_no_colours_of_their_own(screens: Sequence[Rendered]) -> None:
    own = re.compile(r"\b(style|fill|stroke|color|bgcolor)=", re.IGNORECASE)

    assert [str(screen) for screen in screens if own.search(screen.html)] == []


def test_no_level_and_no_type_is_on_a_page(screens: Sequence[Rendered]) -> None:
    # In the whole source: not in a class or an attribute either.
    found = {str(screen): CODES & set(re.findall(r"[A-Z_]+", screen.html)) for screen in screens}

    assert {name: codes for name, codes in found.items() if codes} == {}


def test_words_that_judge_are_on_no_page(screens: Sequence[Rendered]) -> None:
    found = {str(screen): NEVER.search(words(screen.html)) for screen in screens}

    assert {name: word[0] for name, word in found.items() if word} == {}


@pytest.mark.parametrize("language", ["en", *TRANSLATED])
def test_words_that_judge_are_in_no_catalogue(language: str) -> None:
    catalogue = extracted() if language == "en" else catalogue_of(language, extracted())
    found = []
    for message in catalogue:
        shown = message.id if language == "en" else message.string
        forms = shown if isinstance(shown, list | tuple) else [shown]
        found += [form for form in forms if NEVER.search(str(form))]

    assert language in JUDGING
    assert found == []


def test_no_score_is_on_a_page(screens: Sequence[Rendered]) -> None:
    assert NOW[0] == "s004"
    found = {str(screen): SCORES.search(words(screen.html)) for screen in screens}

    assert {name: score[0] for name, score in found.items() if score} == {}


def test_the_names_of_reasons_are_of_things_done() -> None:
    assert [text for text in TOPICS.values() if NEVER.search(text)] == []


def test_students_read_no_risk_no_place_and_no_reasons(screens: Sequence[Rendered]) -> None:
    own = [screen for screen in screens if screen.state.startswith("student ")]
    found = {str(screen): NOT_ABOUT_ONESELF.search(words(screen.html)) for screen in own}

    assert {screen.screen for screen in own} == set(OWN)
    assert {name: word[0] for name, word in found.items() if word} == {}
    assert [str(screen) for screen in own if re.search(CHARTS, screen.html)] == []


def test_unknown_is_grey_text_and_never_0(screens: Sequence[Rendered]) -> None:
    css = (STATIC / "veritas.css").read_text()
    unknown = [
        text
        for screen in screens
        for text in texts(screen.html)
        if text.content.strip().lower().startswith("not known")
    ]
    rows = [
        row for screen in screens if screen.screen == "class" for row in table_rows(screen.html)
    ]

    assert ".unknown { color: var(--quiet); }" in css
    assert len(unknown) > 20
    assert [text for text in unknown if "unknown" not in text.classes] == []
    # One student has a mark, and no work is set: nothing of it is 0.
    assert rows
    assert [row for row in rows if re.search(r"Work handed in 0|Marks 0", row)] == []
    assert [row for row in rows if not re.search(r"Marks (70%|not known)", row)] == []


def table_rows(html: str) -> list[str]:
    return [words(row) for row in re.findall(r"<tr>\n<th scope=\"row\">.*?</tr>", html, re.DOTALL)]


def test_blocks_of_a_service_that_is_away_are_not_known(screens: Sequence[Rendered]) -> None:
    away = [screen for screen in screens if screen.state.startswith("without ")]
    without_a_word = [
        str(screen)
        for screen in away
        if screen.state.removeprefix("without ") in NEEDS.get(screen.screen, BOTH)
        and "not known now" not in words(screen.html).lower()
    ]

    assert [str(screen) for screen in away if screen.status != 200] == []
    assert without_a_word == []
