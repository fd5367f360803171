"""Breaking changes between two OpenAPI documents, and those that a changelog states."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.openapi.schemas import Direction, Finding, SchemaComparison

Document = Mapping[str, Any]
_ACCEPTED_UNDER = ("Changed", "Removed")


@dataclass(frozen=True)
class Breaking:
    """Breaking change of an operation: `GET /api/v1/students`."""

    operation: str
    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.operation}: {self.place}: {self.text}"


def breaking_changes(old: Document, new: Document) -> list[Breaking]:
    """Return the changes by which a client of the old document may fail."""
    return [*_Documents(old, new).changes()]


def stated_in(change: Breaking, changelog: str) -> bool:
    """Return True if Changed or Removed of the unreleased part names the path or the place."""
    path = change.operation.partition(" ")[2]
    names = {change.operation, path, path.removeprefix("/api/v1"), change.place}
    return any(
        set(re.findall(r"`(?:[A-Z]+ )?([^`]+)`", line)) & names for line in _lines(changelog)
    )


def _lines(changelog: str) -> Iterator[str]:
    unreleased = re.split(r"^## ", changelog, flags=re.MULTILINE)[1]
    for section in re.split(r"^### ", unreleased, flags=re.MULTILINE)[1:]:
        title, _, text = section.partition("\n")
        if title.strip() in _ACCEPTED_UNDER:
            yield from text.splitlines()


class _Documents:
    """Two documents, operation by operation."""

    def __init__(self, old: Document, new: Document) -> None:
        self._old, self._new = old["paths"], new["paths"]
        schemas = (old["components"]["schemas"], new["components"]["schemas"])
        self._requests = SchemaComparison(*schemas, Direction.REQUEST)
        self._answers = SchemaComparison(*schemas, Direction.ANSWER)

    def changes(self) -> Iterator[Breaking]:
        for path, methods in sorted(self._old.items()):
            for method, old in methods.items():
                operation = f"{method.upper()} {path}"
                new = self._new.get(path, {}).get(method)
                if new is None:
                    yield Breaking(operation, "route", "it was removed")
                    continue
                for finding in dict.fromkeys(self._operation(old, new)):
                    yield Breaking(operation, finding.place, finding.text)

    def _operation(self, old: Document, new: Document) -> Iterator[Finding]:
        before, after = old.get("x-permission"), new.get("x-permission")
        if before != after:
            yield Finding("permission", f"it was {before} and is {after}")
        if bool(new.get("security")) and not old.get("security"):
            yield Finding("permission", "a key is now required")
        yield from self._parameters(_parameters(old), _parameters(new))
        yield from self._body(old.get("requestBody"), new.get("requestBody"))
        yield from self._responses(old["responses"], new["responses"])

    def _parameters(
        self, old: Mapping[str, Document], new: Mapping[str, Document]
    ) -> Iterator[Finding]:
        for name in sorted(old.keys() - new.keys()):
            yield Finding(name, "the parameter was removed")
        for name, parameter in new.items():
            if parameter.get("required") and not old.get(name, {}).get("required"):
                yield Finding(name, "the parameter is now required")
            if name in old:
                both = (old[name]["schema"], parameter["schema"])
                yield from self._requests.findings(*both, name)

    def _body(self, old: Document | None, new: Document | None) -> Iterator[Finding]:
        if new is None:
            if old is not None:
                yield Finding("body", "it is no longer read")
            return
        if new.get("required") and not (old and old.get("required")):
            yield Finding("body", "it is now required")
        if old is not None:
            yield from _contents(old, new, self._requests, "body")

    def _responses(self, old: Document, new: Document) -> Iterator[Finding]:
        for status, response in old.items():
            if status not in new:
                yield Finding(status, "the status was removed")
            else:
                yield from _contents(response, new[status], self._answers, status)


def _contents(
    old: Document, new: Document, comparison: SchemaComparison, place: str
) -> Iterator[Finding]:
    before, after = old.get("content", {}), new.get("content", {})
    for media_type, content in before.items():
        if media_type not in after:
            yield Finding(place, f"{media_type} was removed")
        else:
            both = (content.get("schema", {}), after[media_type].get("schema", {}))
            yield from comparison.findings(*both, place)


def _parameters(operation: Document) -> dict[str, Document]:
    return {each["name"]: each for each in operation.get("parameters", ())}
