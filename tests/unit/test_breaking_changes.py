"""Breaking changes between OpenAPI documents: an example of each kind."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from tests.support.openapi.breaking import Breaking, breaking_changes, stated_in
from tests.support.openapi.documents import without_texts

Document = dict[str, Any]
TEXT = {"type": "string"}
NULL = {"type": "null"}
OPERATION = "POST /api/v1/students"
DOCUMENT: Document = {
    "paths": {
        "/api/v1/students": {
            "post": {
                "security": [{}],
                "x-permission": "students.write",
                "parameters": [
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 9}},
                    {"name": "after", "in": "query", "schema": {"anyOf": [TEXT, NULL]}},
                ],
                "requestBody": {
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/New"}},
                        "text/csv": {"schema": TEXT},
                    }
                },
                "responses": {
                    "200": {
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Out"}}
                        }
                    },
                    "404": {},
                },
            }
        }
    },
    "components": {
        "schemas": {
            "New": {
                "type": "object",
                "required": ["id"],
                "properties": {
                    "id": {**TEXT, "maxLength": 200},
                    "email": {"anyOf": [TEXT, NULL]},
                    "kind": {"$ref": "#/components/schemas/Kind"},
                    "title": TEXT,
                },
            },
            "Out": {
                "type": "object",
                "required": ["id", "kind", "inner"],
                "properties": {
                    "id": TEXT,
                    "kind": {"$ref": "#/components/schemas/Kind"},
                    "count": {"type": "number"},
                    "inner": {"type": "array", "items": {"$ref": "#/components/schemas/Out"}},
                },
            },
            "Kind": {"type": "string", "enum": ["a", "b"]},
        }
    },
}
Change = Callable[[Document], object]


def operation(document: Document) -> Document:
    found: Document = document["paths"]["/api/v1/students"]["post"]
    return found


def new(document: Document) -> Document:
    return fields(document, "New")


def out(document: Document) -> Document:
    return fields(document, "Out")


def fields(document: Document, name: str) -> Document:
    found: Document = document["components"]["schemas"][name]["properties"]
    return found


def schema(document: Document, name: str) -> Document:
    found: Document = document["components"]["schemas"][name]
    return found


def content(document: Document) -> Document:
    found: Document = operation(document)["requestBody"]["content"]
    return found


REQUIRED = {"name": "term", "in": "query", "required": True, "schema": TEXT}
BREAKING: dict[str, tuple[Change, str, str]] = {
    "route": (lambda d: d["paths"].clear(), "route", "it was removed"),
    "method": (
        lambda d: d["paths"]["/api/v1/students"].pop("post"),
        "route",
        "it was removed",
    ),
    "permission": (
        lambda d: operation(d).update({"x-permission": "erase"}),
        "permission",
        "it was students.write and is erase",
    ),
    "parameter": (lambda d: operation(d)["parameters"].pop(0), "limit", "was removed"),
    "required parameter": (
        lambda d: operation(d)["parameters"].append(REQUIRED),
        "term",
        "is now required",
    ),
    "limit of a parameter": (
        lambda d: operation(d)["parameters"][0]["schema"].update(maximum=5),
        "limit",
        "maximum is now 5",
    ),
    "type of a parameter": (
        lambda d: operation(d)["parameters"][1].update(schema=TEXT),
        "after",
        "null is no longer accepted",
    ),
    "media type": (lambda d: content(d).pop("text/csv"), "body", "text/csv was removed"),
    "body": (
        lambda d: operation(d)["requestBody"].update(required=True),
        "body",
        "it is now required",
    ),
    "required field": (
        lambda d: schema(d, "New")["required"].append("email"),
        "New.email",
        "is now required",
    ),
    "field of the body": (lambda d: new(d).pop("title"), "New.title", "was removed"),
    "other fields": (
        lambda d: schema(d, "New").update(additionalProperties=False),
        "New",
        "other fields",
    ),
    "limit of a field": (lambda d: new(d)["id"].update(maxLength=9), "New.id", "maxLength"),
    "pattern": (lambda d: new(d)["id"].update(pattern="^a"), "New.id", "pattern has changed"),
    "value of a request": (
        lambda d: new(d).update(kind={**TEXT, "enum": ["a"]}),
        "New.kind",
        "'b' was removed",
    ),
    "status": (lambda d: operation(d)["responses"].pop("404"), "404", "was removed"),
    "field of an answer": (lambda d: out(d).pop("count"), "Out.count", "was removed"),
    "absent field": (
        lambda d: schema(d, "Out")["required"].remove("inner"),
        "Out.inner",
        "may now be absent",
    ),
    "type of an answer": (
        lambda d: out(d).update(id={"anyOf": [TEXT, NULL]}),
        "Out.id",
        "null may now be answered",
    ),
    "value of an answer": (
        lambda d: out(d).update(kind={**TEXT, "enum": ["a"]}),
        "Out.kind",
        "'b' was removed",
    ),
}
HARMLESS: dict[str, Change] = {
    "nothing": lambda _: None,
    "a route": lambda d: d["paths"].update({"/api/v1/terms": {"get": {}}}),
    "an optional parameter": lambda d: operation(d)["parameters"].append(
        {**REQUIRED, "required": False}
    ),
    "a wider limit": lambda d: new(d)["id"].pop("maxLength"),
    "a wider type": lambda d: new(d).update(title={"anyOf": [NULL, TEXT]}),
    "an optional field": lambda d: new(d).update(grade=TEXT),
    "a field of an answer": lambda d: out(d).update(grade=TEXT),
    "a value of an answer": lambda d: schema(d, "Kind")["enum"].append("c"),
    "a narrower answer": lambda d: out(d).update(count={"type": "integer"}),
    "a status": lambda d: operation(d)["responses"].update({"202": {}}),
    "a field as a schema": lambda d: new(d).update(kind={**TEXT, "enum": ["a", "b"]}),
}


def changed(change: Change) -> list[Breaking]:
    document = deepcopy(DOCUMENT)
    change(document)
    return breaking_changes(DOCUMENT, document)


@pytest.mark.parametrize("kind", BREAKING)
def test_a_breaking_change_is_found(kind: str) -> None:
    change, place, text = BREAKING[kind]

    [found] = changed(change)

    assert found.operation == OPERATION
    assert found.place == place
    assert text in found.text


@pytest.mark.parametrize("kind", HARMLESS)
def test_a_harmless_change_is_none(kind: str) -> None:
    assert changed(HARMLESS[kind]) == []


@pytest.mark.parametrize(
    ("line", "is_stated"),
    [
        ("### Removed\n\n* `POST /api/v1/students` has no `count`.", True),
        ("### Changed\n\n* `/students` has no count.", True),
        ("### Changed\n\n* `Out.count` is gone.", True),
        ("### Added\n\n* `Out.count`.", False),
        ("### Changed\n\n* Out.count, `/students/batch`.", False),
        ("## [0.1.0]\n\n### Removed\n\n* `Out.count` is gone.", False),
    ],
)
def test_the_changelog_states_it_by_its_path_or_place(line: str, *, is_stated: bool) -> None:
    [change] = changed(BREAKING["field of an answer"][0])

    assert stated_in(change, f"# Changelog\n\n## [Unreleased]\n\n{line}\n") is is_stated


def test_fields_with_names_of_texts_are_kept() -> None:
    described = deepcopy(DOCUMENT)
    new(described)["title"]["description"] = "A text."
    new(described)["title"]["title"] = "Title"

    kept = without_texts(described)

    assert new(kept)["title"] == TEXT
    assert breaking_changes(DOCUMENT, kept) == []
