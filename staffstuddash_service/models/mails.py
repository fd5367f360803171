"""Mails that wait for their delivery."""

from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from shared_db.columns import Key
from shared_db.personal_data import STAFF, register
from staffstuddash_service.models.base import Base

ADDRESS_LENGTH = 254


@register(
    STAFF,
    columns="id recipient subject body created_at next_at attempts",
    purpose="to inform the recipient",
    keep="until it is delivered, for three days at most",
)
class Mail(Base):
    """Mail to one recipient, stored in the transaction of its cause; it has no data of students."""

    __tablename__ = "mails"
    __table_args__ = (Index(None, "next_at"),)

    id: Mapped[str] = mapped_column(Key, primary_key=True)
    recipient: Mapped[str] = mapped_column(String(ADDRESS_LENGTH))
    subject: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    next_at: Mapped[datetime] = mapped_column(comment="Of the next attempt; also a lease")
    attempts: Mapped[int]
