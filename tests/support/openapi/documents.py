"""Files of the OpenAPI documents: the present ones, and those of the last release.

The released ones have no texts, which break nothing, and a line for each operation and schema.
"""

import json
from pathlib import Path
from typing import Any

from tests.support.services import PARTS, openapi_of
from tests.support.source_files import ROOT

FOLDER = ROOT / "openapi"
RELEASED = FOLDER / "released"
_TEXTS = frozenset({"description", "summary", "title", "examples", "tags", "default", "info"})
_NAMED = frozenset({"properties", "patternProperties", "$defs", "schemas", "paths"})
_FIRST_REFUSAL = 400


def canonical(document: Any) -> str:
    """Return the document as text: sorted, with a line for each value."""
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def without_texts(document: Any, *, has_names: bool = False) -> Any:
    """Return the document without what a client does not depend on.

    has_names: the keys are names of fields, schemas or paths, and not words of OpenAPI.
    """
    if isinstance(document, list):
        return [without_texts(item) for item in document]
    if not isinstance(document, dict):
        return document
    if has_names:
        return {name: without_texts(each) for name, each in document.items()}
    return {
        key: _refusals_without_bodies(value)
        if key == "responses"
        else without_texts(value, has_names=key in _NAMED)
        for key, value in document.items()
        if key not in _TEXTS
    }


def _refusals_without_bodies(responses: dict[str, Any]) -> dict[str, Any]:
    # Every refusal has the same body.
    return {
        status: {} if int(status) >= _FIRST_REFUSAL else without_texts(response)
        for status, response in responses.items()
    }


def file_of(service: str, folder: Path = FOLDER) -> Path:
    """Return the file of a service's document."""
    return folder / f"{service}.json"


def released(service: str) -> dict[str, Any]:
    """Return the document of the last release, without texts."""
    document: dict[str, Any] = json.loads(file_of(service, RELEASED).read_text())
    return document


def write_documents(folder: Path = FOLDER) -> None:
    """Write the present document of each service."""
    folder.mkdir(parents=True, exist_ok=True)
    for service in PARTS:
        file_of(service, folder).write_text(canonical(openapi_of(service)))


def write_released() -> None:
    """Write the present documents as those of the last release."""
    RELEASED.mkdir(parents=True, exist_ok=True)
    for service in PARTS:
        text = in_lines(without_texts(openapi_of(service)))
        file_of(service, RELEASED).write_text(text)


def in_lines(document: dict[str, Any]) -> str:
    """Return the document as JSON with a line for each path and each schema."""
    schemas = document["components"]["schemas"]
    return (
        f'{{"paths": {{\n{_lines(document["paths"])}\n}},\n'
        f'"components": {{"schemas": {{\n{_lines(schemas)}\n}}}}}}\n'
    )


def _lines(entries: dict[str, Any]) -> str:
    lines = (
        f"{json.dumps(name)}: {json.dumps(entry, sort_keys=True, separators=(',', ':'))}"
        for name, entry in sorted(entries.items())
    )
    return ",\n".join(lines)
