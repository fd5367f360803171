"""Languages of the screens: no text stays untranslated, and the choice is kept."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.catalogues import PACKAGE, catalogue_of, extracted, written
from tests.support.page_schools import CLASS, NAMES, OTHER_TEACHER, TEACHER, PageSchool
from tests.support.screens import AIDE, KEY, Rendered, complete, rendered
from tests.support.visible import outside_brackets, words
from veritas_web.languages import DOMAIN

# A language without a catalogue; its dates and numbers have no letters.
PSEUDO = "sk"
DATA = (
    "Veritas",
    "Class 5a",
    *NAMES.values(),
    *NAMES,
    TEACHER,
    OTHER_TEACHER,
    CLASS,
    AIDE,
    KEY,
    "nurse",
)


@pytest.fixture
def pseudo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Offer a language with the source's texts in brackets."""
    catalogue = catalogue_of(PSEUDO, extracted())
    for message in catalogue:
        if isinstance(message.id, tuple):
            message.string = tuple(f"[{message.id[1]}]" for _ in range(catalogue.num_plurals))
        elif message.id:
            message.string = f"[{message.id}]"
    file = tmp_path / PSEUDO / "LC_MESSAGES" / f"{DOMAIN}.po"
    file.parent.mkdir(parents=True)
    file.write_text(written(catalogue))
    monkeypatch.setattr("veritas_web.languages.FOLDER", tmp_path)
    for module in ("languages", "pages"):
        monkeypatch.setattr(f"veritas_web.{module}.LANGUAGES", ("en", PSEUDO))
    return PSEUDO


@pytest.fixture
def screens(page_school: PageSchool, pseudo: str) -> Iterator[Rendered]:
    """Give all screens in the language of brackets."""
    complete(page_school)
    return rendered(page_school, pseudo)


def test_every_text_of_every_screen_is_translated(screens: Iterator[Rendered]) -> None:
    found = {str(screen): outside_brackets(screen.html, DATA) for screen in screens}

    assert {name: left for name, left in found.items() if left} == {}


@pytest.mark.parametrize(
    "file",
    sorted(PACKAGE.rglob("*.html")),
    ids=lambda file: str(file.relative_to(PACKAGE)),
)
def test_templates_have_no_text_outside_of_translations(file: Path) -> None:
    # A state that no test renders is looked at here.
    source = re.sub(r"\{%.*?%\}|\{#.*?#\}|\{\{.*?\}\}", "", file.read_text(), flags=re.DOTALL)

    assert outside_brackets(source, ("Veritas",)) == []


def test_german_is_chosen_and_kept(page_school: PageSchool) -> None:
    with page_school.pages() as client:
        own = {"Origin": str(client.base_url).rstrip("/")}
        accepted = client.get("/classes", headers={"Accept-Language": "it, de-AT;q=0.8"}).text
        chosen = client.post(
            "/language", data={"language": "de", "place": f"/classes/{CLASS}"}, headers=own
        )
        kept = client.get(chosen.headers["location"]).text

    assert '<html lang="de" dir="ltr">' in accepted
    assert "5 von 5 fälligen Arbeiten fehlen (Kurs: 1)." in words(kept)
    assert "1, war 4" in words(kept)
