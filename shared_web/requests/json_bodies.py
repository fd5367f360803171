"""Bodies of one JSON value: limits before parsing, and threads for large ones."""

import json
import re
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from shared_web.problems import (
    MAX_ERRORS,
    SCHEMA_REFERENCE,
    BodyRefused,
    InvalidRequest,
    TooLarge,
    WrongMediaType,
    field_errors,
)
from shared_web.threads import ReservedThreads

B = TypeVar("B", bound=BaseModel)

# A list or an object counts twice. No valid body has as many: two objects of 64 KiB have fewer.
MAX_VALUES = 100_000
MAX_DEPTH = 64
# Names in an object that is validated by field; more names would cause as many errors.
MAX_NAMES = 200
# Parsing a smaller body takes less time than a switch to a thread and back.
_SMALL_BYTES = 64 * 1024
JSON_THREADS = 2
# Brackets that are checked for the reason of a refusal that is certain.
_FEW_BRACKETS = 1000

_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_BRACKET = re.compile(r"[\[{]|([\]}])")


class JsonRequest(Request):
    """Request with limits of its JSON; FastAPI calls `json` for the value of the body."""

    async def json(self) -> Any:
        """Return the value of the body.

        Raises:
            BodyRefused: the body has more than `MAX_VALUES` values (413), is nested deeper than
                `MAX_DEPTH`, or is an object of more than `MAX_NAMES` fields (422).
            ValueError: it is not JSON.

        """
        body = await self.body()
        if len(body) <= _SMALL_BYTES:
            return _parsed(body)
        threads: ReservedThreads = self.app.state.json_threads
        return await threads.run(partial(_parsed, body))


async def read_json(request: Request, model: type[B]) -> B:
    """Return the body, for a route that takes `Request` because it is called very often.

    FastAPI needs more time for a body parameter and a response model.

    Raises:
        WrongMediaType: the Content-Type is not JSON.
        RequestValidationError: the body is absent, is not JSON or does not fit the model.
        InvalidRequest: the body cannot be decoded.
        BodyRefused: the body exceeds a limit, see `JsonRequest.json`.

    """
    request = JsonRequest(request.scope, request.receive)
    if not await request.body():
        raise _invalid("missing", "Field required")
    if not _is_json(request.headers.get("content-type", "")):
        raise WrongMediaType("Send it as application/json.")
    try:
        return model.model_validate(await request.json())
    except json.JSONDecodeError as failure:
        raise _invalid("json_invalid", failure.msg, failure.pos) from failure
    except ValidationError as refusal:
        raise RequestValidationError(located_errors(refusal)) from None
    except (ValueError, RecursionError) as failure:
        raise InvalidRequest("The body cannot be read as JSON.") from failure


def _invalid(type_: str, message: str, *place: int) -> RequestValidationError:
    return RequestValidationError([{"type": type_, "loc": ("body", *place), "msg": message}])


def located_errors(refusal: ValidationError) -> list[dict[str, Any]]:
    """Return the errors of a body as FastAPI reports them, without the values sent."""
    errors = refusal.errors(include_input=False, include_url=False)
    return [{**error, "loc": ("body", *error["loc"])} for error in errors]


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )


def json_body(model: type[BaseModel], *parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the `openapi_extra` that documents a body for `read_json`."""
    schema = model.model_json_schema(ref_template=SCHEMA_REFERENCE)
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    return {"requestBody": body, "parameters": list(parameters)}


def _parsed(body: bytes) -> Any:
    text = body.decode(json.detect_encoding(body), "surrogatepass")
    _require_bounded(text)
    value = json.loads(text)
    errors = too_many_names(value)
    if errors:
        refusal = InvalidRequest(f"The body has more than {MAX_NAMES} fields.", errors=errors)
        raise BodyRefused(refusal)
    return value


def too_many_names(value: object) -> list[dict[str, str]]:
    """Return an error for each of the first names of an object that has more than `MAX_NAMES`."""
    if not isinstance(value, dict) or len(value) <= MAX_NAMES:
        return []
    message = f"is one of more than {MAX_NAMES} fields"
    errors = [
        {"type": "", "loc": ("body", name), "msg": message} for name in islice(value, MAX_ERRORS)
    ]
    return field_errors(errors)


def _require_bounded(text: str) -> None:
    if text.count("[") + text.count("{") <= MAX_DEPTH and text.count(",") < MAX_VALUES // 2:
        return
    bare = without_strings(text)
    has_too_many = value_count(bare) > MAX_VALUES
    if _is_deep(bare, looking_at=_FEW_BRACKETS if has_too_many else 2 * MAX_VALUES):
        raise BodyRefused(InvalidRequest(f"The body is nested deeper than {MAX_DEPTH}."))
    if has_too_many:
        detail = f"The body has more than {MAX_VALUES} values. Send it in parts."
        raise BodyRefused(TooLarge(detail))


def without_strings(text: str) -> str:
    """Return JSON without its strings, in which brackets and commas have no meaning."""
    return _STRING.sub("", text)


def value_count(text: str) -> int:
    """Return an upper bound of the number of values in JSON, without parsing it."""
    return text.count(",") + text.count("[") + text.count("{")


def _is_deep(bare: str, looking_at: int) -> bool:
    depth = 0
    for bracket in islice(_BRACKET.finditer(bare), looking_at):
        depth += -1 if bracket[1] else 1
        if depth > MAX_DEPTH:
            return True
    return False
