"""Values of OpenTelemetry as JSON that can be stored."""

import base64
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

# Attributes by these conventions are about persons, of whom monitoring must know nothing.
PERSONAL = ("enduser.", "user.", "client.", "source.address")
# Of the resource, which is stored with each event.
_MOST_ATTRIBUTES = 20
_MOST_CHARACTERS = 200
_INTEGER_LIMIT = 2**63
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_NANOSECONDS = 250_000_000_000 * 10**9  # of the years that a datetime has


def attributes_of(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    """Return attributes by name, without those about persons."""
    return {
        clean(pair.key): json_of(pair.value)
        for pair in pairs
        if pair.key and not pair.key.startswith(PERSONAL)
    }


def short_attributes_of(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    """Return the attributes of a resource: plain values, those of the service first, not all."""
    plain = {
        name[:_MOST_CHARACTERS]: value[:_MOST_CHARACTERS] if isinstance(value, str) else value
        for name, value in attributes_of(pairs).items()
        if isinstance(value, str | int | float | bool)
    }
    names = sorted(plain, key=lambda name: (not name.startswith("service."), name))
    return {name: plain[name] for name in names[:_MOST_ATTRIBUTES]}


def json_of(value: AnyValue) -> Any:
    """Return a value as JSON; what JSON lacks is text: bytes as base64, NaN, infinity."""
    kind = value.WhichOneof("value")
    # A kind that only profiles have is left out.
    if kind is None or kind not in _CONVERSIONS:
        return None
    return _CONVERSIONS[kind](getattr(value, kind))


def text_of(value: AnyValue) -> str:
    """Return a value as text: a text as it is, others as JSON; empty if there is none."""
    found = json_of(value)
    if isinstance(found, str):
        return found
    return "" if found is None else json.dumps(found, ensure_ascii=False)


def number(value: float) -> int | float | str:
    """Return a number as JSON has it; integers beyond 64 bits are rounded."""
    if isinstance(value, int):
        return value if abs(value) < _INTEGER_LIMIT else float(value)
    return value if isfinite(value) else str(value)


def clean(text: str) -> str:
    """Return text without the character NUL, which PostgreSQL cannot store."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def label(text: str) -> str | None:
    """Return text as a name by which events are found: one line, cut; None if nothing is left."""
    printable = "".join(each if each.isprintable() else " " for each in text[:_MOST_CHARACTERS])
    return printable.strip() or None


def instant(*nanoseconds: int) -> datetime | None:
    """Return the first of the instants that is known; nanoseconds since 1970."""
    known = next((each for each in nanoseconds if 0 < each < _LAST_NANOSECONDS), None)
    return None if known is None else _EPOCH + timedelta(microseconds=known // 1000)


def without_nothing(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values that are there."""
    return {name: value for name, value in values.items() if value not in (None, "", {}, [])}


_CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "string_value": clean,
    "bool_value": bool,
    "int_value": int,
    "double_value": number,
    "bytes_value": lambda sent: base64.b64encode(sent).decode(),
    "array_value": lambda sent: [json_of(each) for each in sent.values],
    "kvlist_value": lambda sent: attributes_of(sent.values),
}
