"""Pages from templates: one environment of Jinja2 per language, and the addresses of files."""

from collections.abc import Mapping
from functools import cache, partial
from hashlib import blake2b
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.support import NullTranslations
from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from veritas_web.domain import charts
from veritas_web.domain.action_words import NAMES
from veritas_web.domain.reasons import sentence, topic_of
from veritas_web.domain.today import KINDS
from veritas_web.formats import formats
from veritas_web.languages import LANGUAGES, chosen_language, locale_of, name_of, translations

STATIC = Path(__file__).parent / "static"
_DIGEST_BYTES = 8


def page(
    request: Request, template: str, context: Mapping[str, Any] | None = None, status: int = 200
) -> HTMLResponse:
    """Return a page in the reader's language.

    Each template has, beside its own context, the `viewer`, the `language` and the request's path.
    """
    language = language_of(request)
    everywhere = {
        "viewer": getattr(request.state, "viewer", None),
        "language": language,
        "direction": locale_of(language).text_direction,
        "languages": LANGUAGES,
        "language_names": {code: name_of(code) for code in LANGUAGES},
        "path": request.url.path,
    }
    zone = request.app.state.parts.settings.school_timezone
    environment = _environment(language, zone)
    text = environment.get_template(template).render({**everywhere, **(context or {})})
    return HTMLResponse(text, status)


def language_of(request: Request) -> str:
    """Return the language of the reader."""
    return chosen_language(request.cookies, request.headers.get("accept-language", ""))


@cache
def static_files() -> dict[str, tuple[str, bytes]]:
    """Return the digest and the content of each file under `static/`, by name."""
    found = {}
    for file in sorted(STATIC.iterdir()):
        content = file.read_bytes()
        found[file.name] = (blake2b(content, digest_size=_DIGEST_BYTES).hexdigest(), content)
    return found


def static_url(name: str) -> str:
    """Return the address of a static file, which changes with its content."""
    digest, _ = static_files()[name]
    return f"/static/{digest}/{name}"


@cache
def _environment(language: str, zone: str) -> Environment:
    environment = Environment(
        loader=PackageLoader("veritas_web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    catalogue = translations(language)
    environment.install_gettext_callables(  # type: ignore[attr-defined] # of the extension
        catalogue.gettext, catalogue.ngettext, newstyle=True
    )
    environment.globals |= {
        "static_url": static_url,
        "charts": charts,
        "action_names": NAMES,
        "kind_names": KINDS,
    }
    environment.filters["topic"] = topic_of
    environment.filters["translated"] = partial(_translated, catalogue)
    environment.filters["sentence"] = partial(sentence, catalogue, locale_of(language))
    environment.filters |= formats(language, ZoneInfo(zone))
    return environment


def _translated(catalogue: NullTranslations, text: str) -> str:
    """Return the translation of a text from a variable.

    Templates must not use the function `_` for it, which takes its argument for safe HTML.
    """
    return str(catalogue.gettext(text)) if text else ""
