"""Idempotent requests: the id of the row identifies the request, a digest its content."""

import hashlib
from typing import Annotated

from fastapi import Header, Response
from pydantic import BaseModel

from shared_db.ids import new_id
from shared_web.principals import Principal

REPLAY_HEADER = "Idempotent-Replay"

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Identifies this request if the body has no id: sent twice, it is stored once.",
    ),
]


def row_id(sent: str | None, key: str | None, principal: Principal) -> str:
    """Return the id of the new row: the one sent, else from the Idempotency-Key, else a new one.

    The caller is part of an id from a key, so that callers do not share keys.
    """
    if sent is not None:
        return sent
    if key is None:
        return new_id()
    text = f"{principal.name}\n{key}"
    return "k-" + hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def mark_replay(response: Response, *, is_replay: bool) -> None:
    """Add the replay header if the row was stored before."""
    if is_replay:
        response.headers[REPLAY_HEADER] = "true"


def created(out: BaseModel, *, is_replay: bool) -> Response:
    """Return the response of a route that serialises its result itself."""
    response = Response(out.model_dump_json(), status_code=201, media_type="application/json")
    mark_replay(response, is_replay=is_replay)
    return response
