"""Types of fields in requests: what every service refuses in the same words."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Annotated, Any, cast

import orjson
from pydantic import (
    AfterValidator,
    AliasChoices,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

from shared_db.clock import utc_now
from shared_db.columns import ID_LENGTH
from shared_web.requests.json_bodies import MOST_NAMES

CLOCK_SKEW = timedelta(minutes=5)
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_DATE_LENGTH = len("2026-01-01T")
_DEEPEST_JSON = 20
_LONGEST_JSON = 64 * 1024
_BIGGEST_INTEGER = 2**63
_SMALLEST_NUMBER = 1e-9
# What the document can say of ids; beyond ASCII too, unprintable characters are refused.
_ID_PATTERN = r"^(?!\.{1,2}$)[^\s\x00-\x1f\x7f/\\]([^\x00-\x1f\x7f/\\]*[^\s\x00-\x1f\x7f/\\])?$"


class Body(BaseModel):
    """What a client sends. Unknown fields and wrong types are refused, so mistakes are heard."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Out(BaseModel):
    """What a client gets, read from a row or a dataclass."""

    model_config = ConfigDict(from_attributes=True)


class AdditionOut(Out):
    """What was added; `pending` where it waits in the spool and is not in the database yet."""

    pending: bool = Field(
        default=False,
        validation_alias=AliasChoices("pending", "is_pending"),
        exclude_if=lambda is_pending: not is_pending,
        description="True for what was accepted while the database was away and is not in it yet; "
        "what only the database can tell is then null. Left out otherwise.",
    )


def _few_names(value: object) -> object:
    # Pydantic would collect an error for each, and look at the number afterwards.
    if isinstance(value, dict) and len(value) > MOST_NAMES:
        raise ValueError(f"must not have more than {MOST_NAMES} names")
    return value


def reject_unstorable_text(text: str) -> str:
    """Return the text if both stores can hold it.

    Raises:
        ValueError: it has a NUL, which PostgreSQL does not store, or a lone surrogate.

    """
    if "\x00" in text:
        raise ValueError("must not contain the NUL character")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("must not contain a lone surrogate") from None
    return text


def _identifying(text: str) -> str:
    # An id stands in paths and logs: what would break or forge those is refused.
    if not text.isprintable() or "/" in text or "\\" in text:
        raise ValueError("must not contain control characters, '/' or a backslash")
    if text != text.strip() or text in {".", ".."}:
        raise ValueError("must not begin or end with a space, nor be '.' or '..'")
    return text


def _written_as_instant(value: object) -> object:
    # Numbers would be read as seconds since 1970, which is hardly ever what was meant.
    if isinstance(value, str) and value[_DATE_LENGTH - 1 : _DATE_LENGTH] not in ("T", "t", " "):
        raise ValueError("must be an instant as 2026-01-31T09:30:00Z")
    if not isinstance(value, str | datetime):
        raise ValueError("must be an instant as 2026-01-31T09:30:00Z")  # noqa: TRY004 - pydantic's
    return value


def _in_living_memory(value: datetime) -> datetime:
    if value < EARLIEST:
        raise ValueError(f"must not be before {EARLIEST:%Y}")
    if value.year > utc_now().year + 100:
        raise ValueError("must not be more than 100 years ahead")
    return value.astimezone(UTC)


def _already_happened(value: datetime) -> datetime:
    if value > utc_now() + CLOCK_SKEW:
        raise ValueError("must not be in the future")
    return value


def _no_dust(value: float) -> float:
    # A quotient of such numbers would be too small for PostgreSQL, which makes that an error.
    if 0 < abs(value) < _SMALLEST_NUMBER:
        raise ValueError(f"must be 0 or at least {_SMALLEST_NUMBER}")
    return value


def _storable_json(value: dict[str, Any]) -> dict[str, Any]:
    _check_json(value.values(), names=value, depth=1)
    return _bounded_json(value)


def _check_json(values: Iterable[object], names: Iterable[str], depth: int) -> None:
    """Look at what is in one object, or in one array, which has no names."""
    if depth > _DEEPEST_JSON:
        raise ValueError(f"must not be nested more than {_DEEPEST_JSON} deep")
    reject_unstorable_text("".join(names))
    # Told by the exact type, which takes half the time of a match: JSON has no others.
    for value in values:
        kind = type(value)
        if kind is str:
            reject_unstorable_text(cast("str", value))
        elif kind is int:
            if abs(cast("int", value)) >= _BIGGEST_INTEGER:
                raise ValueError("must not contain integers beyond 64 bits")
        elif kind is float:
            if not isfinite(cast("float", value)):
                raise ValueError("must not contain NaN or infinity")
        elif kind is dict:
            inner = cast("dict[str, object]", value)
            _check_json(inner.values(), inner, depth + 1)
        elif kind is list:
            _check_json(cast("list[object]", value), (), depth + 1)


def _bounded_json(value: dict[str, Any]) -> dict[str, Any]:
    # What is counted is at most four times as long as this, which takes a tenth of the time.
    is_short = 4 * len(orjson.dumps(value)) <= _LONGEST_JSON
    if not is_short and len(json.dumps(value)) > _LONGEST_JSON:
        raise ValueError("must not be larger than 64 KiB as JSON")
    return value


FEW_NAMES = BeforeValidator(_few_names)
Id = Annotated[
    str,
    StringConstraints(min_length=1, max_length=ID_LENGTH),
    AfterValidator(reject_unstorable_text),
    AfterValidator(_identifying),
    Field(json_schema_extra={"pattern": _ID_PATTERN}),
]
Text = Annotated[
    str, StringConstraints(min_length=1, max_length=10_000), AfterValidator(reject_unstorable_text)
]
Label = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, strip_whitespace=True),
    AfterValidator(reject_unstorable_text),
]
Term = Annotated[
    str, StringConstraints(min_length=1, max_length=1000), AfterValidator(reject_unstorable_text)
]
Instant = Annotated[
    AwareDatetime,
    Field(strict=False),
    BeforeValidator(_written_as_instant),
    AfterValidator(_in_living_memory),
]
PastInstant = Annotated[Instant, AfterValidator(_already_happened)]
Number = Annotated[float, Field(allow_inf_nan=False), AfterValidator(_no_dust)]
JsonObject = Annotated[dict[str, Any], AfterValidator(_storable_json)]
