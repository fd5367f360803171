"""Ids of rows: the only place that generates them."""

import hashlib
import re

import uuid_utils

_OF_KEY = re.compile("k-[0-9a-f]{32}")


def new_id() -> str:
    """Return a new UUIDv7 as text: ids made later in one process sort later."""
    return str(uuid_utils.uuid7())


def id_of_key(caller: str, key: str) -> str:
    """Return the id of the row that a caller's Idempotency-Key names; callers share no keys."""
    return "k-" + hashlib.blake2b(f"{caller}\n{key}".encode(), digest_size=16).hexdigest()


def names_request(id_: str) -> bool:
    """Return True if the id was made from an Idempotency-Key, so that it names one request."""
    return _OF_KEY.fullmatch(id_) is not None
