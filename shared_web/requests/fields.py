"""Types of fields in requests, validated alike by every service."""

import json
import re
from collections.abc import Iterable, Mapping
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
    ValidationError,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from shared_db.clock import utc_now
from shared_db.columns import ID_LENGTH
from shared_web.requests.json_bodies import MAX_NAMES
from shared_web.requests.text import (
    at_most,
    check_email,
    check_id,
    check_label,
    check_name,
    check_stored_id,
    normalized_json,
    require_storable,
)

CLOCK_SKEW = timedelta(minutes=5)
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_DATE_LENGTH = len("2026-01-01T")
# An unencoded + in a query arrives as a space.
_SPACE_FOR_PLUS = re.compile(r":[0-9]{2}(\.[0-9]+)? [0-9]{2}(:?[0-9]{2})?$")
_MAX_JSON_DEPTH = 20
_MAX_JSON_BYTES = 64 * 1024
_INTEGER_LIMIT = 2**63
_MIN_NUMBER = 1e-9
# Pattern for the OpenAPI document; unprintable characters beyond ASCII are refused as well.
_ID_PATTERN = r"^(?!\.{1,2}$)[^\s\x00-\x1f\x7f/\\]([^\x00-\x1f\x7f/\\]*[^\s\x00-\x1f\x7f/\\])?$"


class Body(BaseModel):
    """Request body. Unknown fields and wrong types are refused, so mistakes are noticed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Out(BaseModel):
    """Response body, read from a row or a dataclass."""

    model_config = ConfigDict(from_attributes=True)


class AdditionOut(Out):
    """Inserted row; `pending` if it is in the spool and not in the database yet."""

    pending: bool = Field(
        default=False,
        validation_alias=AliasChoices("pending", "is_pending"),
        exclude_if=lambda is_pending: not is_pending,
        description="True if the row was accepted while the database was unavailable and is not in "
        "it yet; values that only the database knows are null. Omitted otherwise.",
    )


def _limit_names(value: object) -> object:
    # Pydantic would collect an error for each name before it checks the number.
    if isinstance(value, dict) and len(value) > MAX_NAMES:
        raise ValueError(f"must not have more than {MAX_NAMES} names")
    return value


def _require_instant_format(value: object) -> object:
    if isinstance(value, str) and _SPACE_FOR_PLUS.search(value):
        raise ValueError("has a space before the zone: in a query write + as %2B")
    # Numbers would be read as seconds since 1970, which is hardly ever intended.
    if isinstance(value, str) and value[_DATE_LENGTH - 1 : _DATE_LENGTH] not in ("T", "t", " "):
        raise ValueError("must be an instant as 2026-01-31T09:30:00Z")
    if not isinstance(value, str | datetime):
        raise ValueError("must be an instant as 2026-01-31T09:30:00Z")  # noqa: TRY004 - pydantic's
    return value


def _within_supported_years(value: datetime) -> datetime:
    if value < EARLIEST:
        raise ValueError(f"must not be before {EARLIEST:%Y}")
    if value.year > utc_now().year + 100:
        raise ValueError("must not be more than 100 years ahead")
    return value.astimezone(UTC)


def _not_in_future(value: datetime) -> datetime:
    if value > utc_now() + CLOCK_SKEW:
        raise ValueError("must not be in the future")
    return value


def _reject_subnormal(value: float) -> float:
    # A quotient of such numbers would underflow, which is an error in PostgreSQL.
    if 0 < abs(value) < _MIN_NUMBER:
        raise ValueError(f"must be 0 or at least {_MIN_NUMBER}")
    return value


def _check_json_object(value: dict[str, Any]) -> dict[str, Any]:
    _check_json(value.values(), names=value, depth=1)
    text = orjson.dumps(value)
    if not text.isascii():
        value = cast("dict[str, Any]", normalized_json(value))
        text = orjson.dumps(value)
    _limit_json_size(value, len(text))
    return value


def _check_json(values: Iterable[object], names: Iterable[str], depth: int) -> None:
    """Check the members of an object, or of an array, which has no names."""
    if depth > _MAX_JSON_DEPTH:
        raise ValueError(f"must not be nested more than {_MAX_JSON_DEPTH} deep")
    require_storable("".join(names))
    # Comparing the exact type takes half the time of a match; JSON has no subclasses.
    for value in values:
        kind = type(value)
        if kind is str:
            require_storable(cast("str", value))
        elif kind is int:
            if abs(cast("int", value)) >= _INTEGER_LIMIT:
                raise ValueError("must not contain integers beyond 64 bits")
        elif kind is float:
            if not isfinite(cast("float", value)):
                raise ValueError("must not contain NaN or infinity")
        elif kind is dict:
            inner = cast("dict[str, object]", value)
            _check_json(inner.values(), inner, depth + 1)
        elif kind is list:
            _check_json(cast("list[object]", value), (), depth + 1)


def _limit_json_size(value: dict[str, Any], byte_count: int) -> None:
    # `json.dumps` is at most four times as long as `orjson.dumps`, which takes a tenth of the time.
    if 4 * byte_count > _MAX_JSON_BYTES and len(json.dumps(value)) > _MAX_JSON_BYTES:
        raise ValueError("must not be larger than 64 KiB as JSON")


def refusal_by_field(messages: Mapping[str, str], sent: Mapping[str, Any]) -> ValidationError:
    """Return the refusal for a validator to raise, with an error for each field or key."""
    errors = [
        InitErrorDetails(
            type=PydanticCustomError("wrong_value", "{message}", {"message": message}),
            loc=(name,),
            input=sent.get(name),
        )
        for name, message in messages.items()
    ]
    return ValidationError.from_exception_data("body", errors)


LIMITED_NAMES = BeforeValidator(_limit_names)
# The validators limit the length themselves: it is that of the text in NFC.
Id = Annotated[
    str,
    StringConstraints(min_length=1),
    AfterValidator(at_most(ID_LENGTH, check_id)),
    Field(json_schema_extra={"maxLength": ID_LENGTH, "pattern": _ID_PATTERN}),
]
# For commands: an earlier release stored invisible characters of some kinds.
StoredId = Annotated[
    str, StringConstraints(min_length=1), AfterValidator(at_most(ID_LENGTH, check_stored_id))
]
Text = Annotated[
    str,
    StringConstraints(min_length=1),
    AfterValidator(at_most(10_000)),
    Field(json_schema_extra={"maxLength": 10_000}),
]
# Names by which rows are grouped and found: subjects, sources, types.
Label = Annotated[
    str,
    StringConstraints(min_length=1, strip_whitespace=True),
    AfterValidator(at_most(200, check_label)),
    Field(json_schema_extra={"maxLength": 200}),
]
PersonName = Annotated[
    str,
    StringConstraints(min_length=1, strip_whitespace=True),
    AfterValidator(at_most(200, check_name)),
    Field(json_schema_extra={"maxLength": 200}),
]
Email = Annotated[
    str,
    StringConstraints(pattern=r"^[^@\s\x00]+@[^@\s\x00]+$"),
    AfterValidator(at_most(320, check_email)),
    Field(json_schema_extra={"maxLength": 320}),
]
# Id, account or mailbox in another system.
IdentifierValue = Annotated[
    str,
    StringConstraints(min_length=1, strip_whitespace=True),
    AfterValidator(at_most(320, check_email)),
    Field(json_schema_extra={"maxLength": 320}),
]
# Of a correction: a sentence of staff.
Reason = Annotated[
    str,
    StringConstraints(min_length=1, strip_whitespace=True),
    AfterValidator(at_most(1000, check_name)),
    Field(json_schema_extra={"maxLength": 1000}),
]
Term = Annotated[
    str,
    StringConstraints(min_length=1),
    AfterValidator(at_most(1000)),
    Field(json_schema_extra={"maxLength": 1000}),
]
Instant = Annotated[
    AwareDatetime,
    Field(strict=False),
    BeforeValidator(_require_instant_format),
    AfterValidator(_within_supported_years),
]
PastInstant = Annotated[Instant, AfterValidator(_not_in_future)]
Number = Annotated[float, Field(allow_inf_nan=False), AfterValidator(_reject_subnormal)]
JsonObject = Annotated[dict[str, Any], AfterValidator(_check_json_object)]


def not_reserved(*segments: str) -> AfterValidator:
    """Return the check that a new row's id is none of these segments of the API's paths.

    A row of that id could be taken for the route beside it, such as `/students/batch`.
    """

    def check(text: str) -> str:
        if text in segments:
            raise ValueError(f"must not be {' or '.join(segments)}, which paths of the API contain")
        return text

    return AfterValidator(check)


# Students are known to several services under the same id.
NewStudentId = Annotated[
    Id,
    not_reserved("batch", "csv"),
    Field(json_schema_extra={"not": {"enum": ["batch", "csv"]}}),
]
