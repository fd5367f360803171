"""Catalogues of the pages' texts: extraction from the source, and their files.

Run as a module, it renews the files: `make texts`.
"""

from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from tests.support.source_files import ROOT
from veritas_web.languages import DOMAIN, LANGUAGES, SOURCE

PACKAGE = ROOT / "veritas_web"
FOLDER = PACKAGE / "locale"
TEMPLATE = FOLDER / f"{DOMAIN}.pot"
TRANSLATED = tuple(language for language in LANGUAGES if language != SOURCE)
_METHODS = [("**.py", "python"), ("**.html", "jinja2")]
# `silent` would hide templates with a mistake, and with them their texts.
_OPTIONS = {"**.html": {"silent": "false", "trimmed": "true"}}
_KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}
_WIDTH = 100
# Without times and names of persons, so that equal texts give equal files.
_HEADER = """msgid ""
msgstr ""
"Project-Id-Version: Veritas\\n"
"Language: {language}\\n"
"Plural-Forms: {plural_forms}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""


def extracted() -> Catalog:
    """Return the texts of the code and the templates, without translations."""
    catalog = Catalog(domain=DOMAIN)
    found = extract_from_dir(PACKAGE, _METHODS, _OPTIONS, _KEYWORDS, strip_comment_tags=True)
    for name, line, text, comments, context in sorted(found, key=lambda one: (one[0], one[1])):
        place = [(f"{PACKAGE.name}/{name}", line)]
        catalog.add(text, None, place, auto_comments=comments, context=context)
    return catalog


def file_of(language: str) -> Path:
    """Return the file of a language's catalogue."""
    return FOLDER / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def catalogue_of(language: str, texts: Catalog) -> Catalog:
    """Return the catalogue of a language for these texts, with the translations of its file."""
    file = file_of(language)
    known = Catalog(language, DOMAIN)
    if file.exists():
        known = read_po(BytesIO(file.read_bytes()), locale=language, domain=DOMAIN)
    known.update(texts, no_fuzzy_matching=True)
    return known


def written(catalog: Catalog) -> str:
    """Return the content of a catalogue's file."""
    content = BytesIO()
    write_po(
        content,
        catalog,
        width=_WIDTH,
        omit_header=True,
        ignore_obsolete=True,
        include_lineno=False,
    )
    header = _HEADER.format(
        language=catalog.locale_identifier or "", plural_forms=catalog.plural_forms
    )
    return header + content.getvalue().decode()


def untranslated(catalog: Catalog) -> list[str]:
    """Return the texts whose translation is missing, fuzzy, or has other values in it."""
    return [
        str(message.id)
        for message in catalog
        if message.id and not _is_translated(catalog, message)
    ]


def _is_translated(catalog: Catalog, message: Message) -> bool:
    forms = message.string if isinstance(message.string, tuple) else (message.string,)
    is_complete = all(forms) and len(forms) == (catalog.num_plurals if message.pluralizable else 1)
    return is_complete and not message.fuzzy and not list(message.check(catalog))


if __name__ == "__main__":
    texts = extracted()
    TEMPLATE.write_text(written(texts))
    for language in TRANSLATED:
        file_of(language).parent.mkdir(parents=True, exist_ok=True)
        file_of(language).write_text(written(catalogue_of(language, texts)))
