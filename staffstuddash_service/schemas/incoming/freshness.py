"""Bodies of the freshness of data."""

from datetime import datetime

from shared_web.requests.fields import Out
from staffstuddash_service.datastore.dashboards.freshness import DataKind


class FreshKindOut(Out):
    """Last rows of one kind of data; `is_stale` is null where no rule applies."""

    kind: DataKind
    last_received_at: datetime | None
    last_occurred_at: datetime | None
    is_stale: bool | None


class FreshnessOut(Out):
    """Freshness of each kind, and rows in the spool of the answering machine.

    waiting: rows that wait for the database. refused: rows that it refused, kept with problems.
    """

    items: list[FreshKindOut]
    waiting: int | None
    refused: int | None
    as_of: datetime
