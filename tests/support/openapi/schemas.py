"""Breaking changes of a schema: values that are no longer accepted, or newly answered."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

Schema = Mapping[str, Any]
Schemas = Mapping[str, Schema]

_RAISED = ("minLength", "minimum", "exclusiveMinimum", "minItems", "minProperties")
_LOWERED = ("maxLength", "maximum", "exclusiveMaximum", "maxItems", "maxProperties")
_OTHER_LIMITS = ("pattern", "format", "not")


class Direction(Enum):
    """Way of a value: a request must stay acceptable, an answer must stay readable."""

    REQUEST = "request"
    ANSWER = "answer"


@dataclass(frozen=True)
class Finding:
    """Breaking change at a place: `StudentOut.email`, or a path from the body."""

    place: str
    text: str


@dataclass(frozen=True)
class SchemaComparison:
    """Comparison of schemas of two documents."""

    old: Schemas
    new: Schemas
    direction: Direction

    def findings(
        self, old: Schema, new: Schema, place: str, seen: frozenset[tuple[str, str]] = frozenset()
    ) -> Iterator[Finding]:
        """Yield the breaking changes from one schema to another.

        seen: pairs of names that are being compared, since schemas may contain themselves.
        """
        names = (_name(old), _name(new))
        if names[0] and names[1]:
            if names in seen:
                return
            seen, place = seen | {names}, names[0]
        before, after = _alternatives(old, self.old), _alternatives(new, self.new)
        is_request = self.direction is Direction.REQUEST
        needed, offered = (before, after) if is_request else (after, before)
        for one in needed:
            matches = [other for other in offered if _fits(one, other)]
            if not matches:
                verb = "is no longer accepted" if is_request else "may now be answered"
                yield Finding(place, f"{_kind(one)} {verb}")
                continue
            found = [
                [*self._compare(*((one, other) if is_request else (other, one)), place, seen)]
                for other in matches
            ]
            yield from min(found, key=len)

    def _compare(
        self, old: Schema, new: Schema, place: str, seen: frozenset[tuple[str, str]]
    ) -> Iterator[Finding]:
        # An alternative may itself be a reference.
        names = (_name(old), _name(new))
        if names[0] and names[1]:
            if names in seen:
                return
            seen, place = seen | {names}, names[0]
        old, new = _resolved(old, self.old), _resolved(new, self.new)
        yield from _values(old, new, place, self.direction)
        if self.direction is Direction.REQUEST:
            yield from _limits(old, new, place)
        yield from self._fields(old, new, place, seen)
        for key, inside in (("items", f"{place}[]"), ("additionalProperties", f"{place}.*")):
            both = (old.get(key), new.get(key))
            if isinstance(both[0], Mapping) and isinstance(both[1], Mapping):
                yield from self.findings(both[0], both[1], inside, seen)
        if self.direction is Direction.REQUEST and _is_open(old) and not _is_open(new):
            yield Finding(place, "other fields are no longer accepted")

    def _fields(
        self, old: Schema, new: Schema, place: str, seen: frozenset[tuple[str, str]]
    ) -> Iterator[Finding]:
        before, after = _properties(old), _properties(new)
        needed_before, needed_after = set(old.get("required", ())), set(new.get("required", ()))
        for name in sorted(before.keys() - after.keys()):
            yield Finding(f"{place}.{name}", "the field was removed")
        for name in sorted(before.keys() & after.keys()):
            yield from self.findings(before[name], after[name], f"{place}.{name}", seen)
        if self.direction is Direction.REQUEST:
            for name in sorted(needed_after - needed_before):
                yield Finding(f"{place}.{name}", "the field is now required")
        else:
            for name in sorted((needed_before - needed_after) & after.keys()):
                yield Finding(f"{place}.{name}", "the field may now be absent")


def _values(old: Schema, new: Schema, place: str, direction: Direction) -> Iterator[Finding]:
    before, after = _enumerated(old), _enumerated(new)
    if before is not None and after is not None:
        for value in sorted(before - after):
            yield Finding(place, f"the value {value} was removed")
    elif after is not None and direction is Direction.REQUEST:
        yield Finding(place, "only some values are still accepted")
    elif before is not None and direction is Direction.ANSWER:
        yield Finding(place, "it may now have any value")


def _limits(old: Schema, new: Schema, place: str) -> Iterator[Finding]:
    for key in _RAISED:
        if key in new and (key not in old or new[key] > old[key]):
            yield Finding(place, f"{key} is now {new[key]}")
    for key in _LOWERED:
        if key in new and (key not in old or new[key] < old[key]):
            yield Finding(place, f"{key} is now {new[key]}")
    for key in _OTHER_LIMITS:
        if key in new and new[key] != old.get(key):
            yield Finding(place, f"the {key} has changed")


def _is_open(schema: Schema) -> bool:
    return schema.get("additionalProperties", True) is not False


def _enumerated(schema: Schema) -> set[str] | None:
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    return None if values is None else {repr(value) for value in values}


def _properties(schema: Schema) -> dict[str, Schema]:
    named = {f"/{name}/": each for name, each in schema.get("patternProperties", {}).items()}
    return {**schema.get("properties", {}), **named}


def _alternatives(schema: Schema, schemas: Schemas) -> list[Schema]:
    """Return the schemas of which a value has one, of which those in a list keep their names."""
    resolved = _resolved(schema, schemas)
    for key in ("anyOf", "oneOf"):
        if key in resolved:
            return [
                {**each, "$ref": one["$ref"]} if "$ref" in one else each
                for one in resolved[key]
                for each in _alternatives(one, schemas)
            ]
    types = resolved.get("type")
    if isinstance(types, list):
        return [{**resolved, "type": each} for each in types]
    return [resolved]


def _resolved(schema: Schema, schemas: Schemas) -> Schema:
    name = _name(schema)
    if not name or "type" in schema:
        return schema
    return _resolved(schemas[name], schemas)


def _name(schema: Schema) -> str:
    reference: str = schema.get("$ref", "")
    return reference.rpartition("/")[2]


def _fits(needed: Schema, offered: Schema) -> bool:
    kinds = (needed.get("type"), offered.get("type"))
    return offered.get("type") is None or kinds[0] == kinds[1] or kinds == ("integer", "number")


def _kind(schema: Schema) -> str:
    return str(schema.get("type", "any value"))
