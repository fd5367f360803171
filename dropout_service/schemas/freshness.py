"""Freshness of the data of courses."""

from datetime import datetime

from dropout_service.domain.freshness import DataKind
from shared_web.requests.fields import Out


class FreshnessOut(Out):
    """Last data of a kind in a course; null: not known. `is_stale` is null with too little data."""

    course: str
    kind: DataKind
    last_received_at: datetime | None
    last_occurred_at: datetime | None
    is_stale: bool | None


class FreshnessPageOut(Out):
    """Freshness of a page of courses; `waiting` and `refused` are rows in this process's spool.

    They are null without a spool, and for a person with limited sight.
    """

    items: list[FreshnessOut]
    next: str | None
    waiting: int | None
    refused: int | None
    as_of: datetime
