"""Views of staffstuddash that this service reads directly.

They have metadata of their own, so that no migration of this service creates them. The in-memory
store does not have them.
"""

from sqlalchemy import Column, MetaData, Table

from dropout_service.models.students import PSEUDONYM
from shared_db.columns import Key, UtcDateTime

_METADATA = MetaData(schema="staffstuddash")

published_deletions = Table(
    "published_deletions",
    _METADATA,
    Column("pseudonym", PSEUDONYM, primary_key=True),
    Column("deleted_at", UtcDateTime),
)

published_aliases = Table(
    "published_aliases",
    _METADATA,
    Column("old_id", Key, primary_key=True),
    Column("new_id", Key),
    Column("merged_at", UtcDateTime),
)
