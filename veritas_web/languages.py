"""Languages of the pages: the choice for a request, and the catalogues of gettext."""

from collections.abc import Mapping
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.core import Locale, negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

SOURCE = "en"
LANGUAGES = (SOURCE, "de", "fr", "es", "ar")
COOKIE = "veritas-language"
DOMAIN = "veritas"
FOLDER = Path(__file__).parent / "locale"


def chosen_language(cookies: Mapping[str, str], accept_language: str) -> str:
    """Return the language of the cookie, otherwise the first known one that the browser accepts."""
    chosen = cookies.get(COOKIE)
    if chosen in LANGUAGES:
        return chosen
    return negotiate_locale(_accepted(accept_language), LANGUAGES, sep="-") or SOURCE


def locale_of(language: str) -> Locale:
    """Return Babel's locale of a language, for numbers and dates."""
    return Locale.parse(language)


def name_of(language: str) -> str:
    """Return the name of a language in itself."""
    return (locale_of(language).get_language_name() or language).capitalize()


@cache
def translations(language: str) -> NullTranslations:
    """Return the catalogue of a language; the source language has none.

    The catalogue is read from its `.po` file, so that no compiled file can be out of date.
    """
    if language == SOURCE:
        return NullTranslations()
    source = FOLDER / language / "LC_MESSAGES" / f"{DOMAIN}.po"
    if not source.exists():
        return NullTranslations()
    compiled = BytesIO()
    with source.open("rb") as lines:
        write_mo(compiled, read_po(lines, locale=language, domain=DOMAIN))
    compiled.seek(0)
    return Translations(compiled, domain=DOMAIN)


def _accepted(header: str) -> list[str]:
    """Return the languages of `Accept-Language` (RFC 9110, 12.5.4), the preferred first."""
    weighted = []
    for part in header.split(","):
        tag, _, parameters = part.strip().partition(";")
        weight = parameters.strip().removeprefix("q=") or "1"
        try:
            weighted.append((float(weight), tag.strip()))
        except ValueError:
            continue
    ordered = sorted(weighted, key=lambda pair: -pair[0])
    return [tag for weight, tag in ordered if weight > 0 and tag]
