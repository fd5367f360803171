"""View of staffstuddash that this service reads directly.

It has metadata of its own, so that no migration of this service creates it. The in-memory store
does not have it.
"""

from sqlalchemy import Column, MetaData, Table

from dropout_service.models.students import PSEUDONYM
from shared_db.columns import UtcDateTime

published_deletions = Table(
    "published_deletions",
    MetaData(schema="staffstuddash"),
    Column("pseudonym", PSEUDONYM, primary_key=True),
    Column("deleted_at", UtcDateTime),
)
