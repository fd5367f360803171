"""Ids of rows: the only place that generates them."""

import uuid_utils


def new_id() -> str:
    """Return a new UUIDv7 as text: ids made later in one process sort later."""
    return str(uuid_utils.uuid7())
