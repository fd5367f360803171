"""Idempotent requests: the id of the row identifies the request, a digest its content."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Header, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, StringConstraints, TypeAdapter, ValidationError

from shared_db.ids import id_of_key, new_id
from shared_web.principals import Principal

REPLAY_HEADER = "Idempotent-Replay"

_HEADER = "Idempotency-Key"
_DESCRIPTION = "Identifies this request if the body has no id: sent twice, it is stored once."
_OF_ITEMS = (
    "With its index, identifies each item without an id: the batch sent twice is stored once. "
    "Another content at an index is refused."
)
_LIMITS = {"min_length": 1, "max_length": 200, "pattern": r"^[\x21-\x7e]+$"}
IdempotencyKey = Annotated[str | None, Header(alias=_HEADER, description=_DESCRIPTION, **_LIMITS)]
_KEY: TypeAdapter[str] = TypeAdapter(Annotated[str, StringConstraints(**_LIMITS)])


def key_of(request: Request) -> str | None:
    """Return the Idempotency-Key, for a route that takes `Request`.

    Raises:
        RequestValidationError: it is empty, too long, or has other characters.

    """
    key = request.headers.get(_HEADER)
    try:
        return None if key is None else _KEY.validate_python(key)
    except ValidationError as refusal:
        errors = refusal.errors(include_input=False, include_url=False)
        raise RequestValidationError(
            [{**error, "loc": ("header", _HEADER)} for error in errors]
        ) from None


def key_parameter(description: str = _DESCRIPTION) -> dict[str, Any]:
    """Return the OpenAPI parameter of the Idempotency-Key, for a route that takes `Request`."""
    text = _KEY.json_schema()
    schema = {"anyOf": [text, {"type": "null"}], "description": description, "title": _HEADER}
    return {
        "name": _HEADER,
        "in": "header",
        "required": False,
        "description": description,
        "schema": schema,
    }


def key_of_items() -> dict[str, Any]:
    """Return the OpenAPI parameter of the Idempotency-Key of a batch."""
    return key_parameter(_OF_ITEMS)


def row_id(sent: str | None, key: str | None, principal: Principal) -> str:
    """Return the id of the new row: the one sent, else from the Idempotency-Key, else a new one.

    The caller is part of an id from a key, so that callers do not share keys.
    """
    if sent is not None:
        return sent
    if key is None:
        return new_id()
    return id_of_key(principal.unique_name, key)


def item_ids(request: Request) -> Callable[[int], str | None]:
    """Return the function from the index of a batch's item to its id; None without a key.

    Raises:
        RequestValidationError: as `key_of`.

    """
    key, principal = key_of(request), request.state.principal
    if key is None:
        return lambda _: None
    # A key has no line break, so the id of a request is never that of an item.
    return lambda index: id_of_key(principal.unique_name, f"{key}\n{index}")


def mark_replay(response: Response, *, is_replay: bool) -> None:
    """Add the replay header if the row was stored before."""
    if is_replay:
        response.headers[REPLAY_HEADER] = "true"


def created(out: BaseModel, *, is_replay: bool) -> Response:
    """Return the response of a route that serialises its result itself."""
    response = Response(out.model_dump_json(), status_code=201, media_type="application/json")
    mark_replay(response, is_replay=is_replay)
    return response
