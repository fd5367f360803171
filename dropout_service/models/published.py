"""The view of staffstuddash that this service reads itself.

A table of its own metadata, so that no migration of ours makes it; absent on the in-memory store.
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
