"""Idempotent requests: the id of the row identifies the request, a digest its content."""

from typing import Annotated, Any

from fastapi import Header, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, StringConstraints, TypeAdapter, ValidationError

from shared_db.ids import id_of_key, new_id
from shared_web.principals import Principal

REPLAY_HEADER = "Idempotent-Replay"

_HEADER = "Idempotency-Key"
_DESCRIPTION = "Identifies this request if the body has no id: sent twice, it is stored once."
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


def key_parameter() -> dict[str, Any]:
    """Return the OpenAPI parameter of the Idempotency-Key, for a route that takes `Request`."""
    text = _KEY.json_schema()
    schema = {"anyOf": [text, {"type": "null"}], "description": _DESCRIPTION, "title": _HEADER}
    return {
        "name": _HEADER,
        "in": "header",
        "required": False,
        "description": _DESCRIPTION,
        "schema": schema,
    }


def row_id(sent: str | None, key: str | None, principal: Principal) -> str:
    """Return the id of the new row: the one sent, else from the Idempotency-Key, else a new one.

    The caller is part of an id from a key, so that callers do not share keys.
    """
    if sent is not None:
        return sent
    if key is None:
        return new_id()
    return id_of_key(principal.name, key)


def mark_replay(response: Response, *, is_replay: bool) -> None:
    """Add the replay header if the row was stored before."""
    if is_replay:
        response.headers[REPLAY_HEADER] = "true"


def created(out: BaseModel, *, is_replay: bool) -> Response:
    """Return the response of a route that serialises its result itself."""
    response = Response(out.model_dump_json(), status_code=201, media_type="application/json")
    mark_replay(response, is_replay=is_replay)
    return response
