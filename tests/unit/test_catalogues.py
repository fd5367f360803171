"""Catalogues of the pages: current, complete, and with the same values as the source."""

import re

import pytest
from hatchling.builders.wheel import WheelBuilder

from tests.support.catalogues import (
    PACKAGE,
    TEMPLATE,
    TRANSLATED,
    catalogue_of,
    extracted,
    file_of,
    untranslated,
    written,
)
from tests.support.source_files import ROOT
from veritas_web.domain.reasons import MESSAGES
from veritas_web.languages import LANGUAGES, translations

RENEW = "run `make texts`, and translate the new texts in veritas_web/locale"
MOST_WORDS = 60


def test_the_template_has_the_texts_of_the_source() -> None:
    assert TEMPLATE.read_text() == written(extracted()), RENEW


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_language_has_the_texts_of_the_source(language: str) -> None:
    assert file_of(language).read_text() == written(catalogue_of(language, extracted())), RENEW


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_language_is_complete(language: str) -> None:
    assert untranslated(catalogue_of(language, extracted())) == [], RENEW


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_catalogue_is_read_as_it_is_written(language: str) -> None:
    catalogue = translations(language)

    assert catalogue.gettext("Today") != "Today"
    assert catalogue.ngettext("%(num)s day", "%(num)s days", 2) != "%(num)s days"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_message_to_students_is_short(language: str) -> None:
    texts = map(translations(language).gettext, MESSAGES.values())

    assert [text for text in texts if len(text.split()) > MOST_WORDS] == []


def test_templates_translate_variables_by_the_filter_alone() -> None:
    # The function takes a variable for safe HTML, although it may be a text of a service.
    found = [
        f"{file.name}: {call}"
        for file in PACKAGE.rglob("*.html")
        for call in re.findall(r"\b_\([^\"'][^)]*\)", file.read_text())
    ]

    assert found == []


def test_the_wheel_has_the_catalogues() -> None:
    files = {file.distribution_path for file in WheelBuilder(str(ROOT)).recurse_included_files()}

    assert {str(file_of(language).relative_to(ROOT)) for language in TRANSLATED} <= files
