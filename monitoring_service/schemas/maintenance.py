"""Deletion of old events."""

from shared_web.requests.fields import (
    Out,
)


class CleanupOut(Out):
    """Number of deleted events; repeat the request while `is_complete` is false."""

    deleted: int
    is_complete: bool
