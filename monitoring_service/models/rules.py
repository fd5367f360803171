"""Limits of sources."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from monitoring_service.models.base import Base
from shared_db.columns import Key
from shared_db.personal_data import STAFF, personal, register


@register(
    columns="source thresholds updated_at",
    purpose="to judge the events of one source by its own limits",
    keep="until the rules are deleted",
)
class SourceRules(Base):
    """Limits of one source, in place of the defaults."""

    __tablename__ = "source_rules"

    source: Mapped[str] = mapped_column(Key, primary_key=True)
    thresholds: Mapped[dict[str, Any]]
    updated_at: Mapped[datetime]
    updated_by: Mapped[str] = mapped_column(
        Key,
        info=personal(STAFF, purpose="to know who set the limits"),
    )
