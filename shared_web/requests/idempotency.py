"""Requests that may be sent twice: the row's id names the request, a digest guards its content."""

import hashlib
from typing import Annotated

from fastapi import Header, Response

from shared_db.ids import new_id
from shared_web.auth.keys import Principal

REPLAY_HEADER = "Idempotent-Replay"

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Names this request where the body has no id: sent twice, it is stored once.",
    ),
]


def row_id(sent: str | None, key: str | None, principal: Principal) -> str:
    """Return the id of the row to make: the one sent, else from the Idempotency-Key, else new.

    The key counts per caller, so that two callers cannot answer for each other.
    """
    if sent is not None:
        return sent
    if key is None:
        return new_id()
    text = f"{principal.name}\n{key}"
    return "k-" + hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def mark_replay(response: Response, *, is_replay: bool) -> None:
    """Say in the answer that the row was there already."""
    if is_replay:
        response.headers[REPLAY_HEADER] = "true"
