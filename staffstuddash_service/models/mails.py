"""Mails that wait for their delivery."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from shared_db.columns import Json, Key
from shared_db.personal_data import STAFF, STUDENT, personal, register
from staffstuddash_service.domain.mail.digests import ADDRESS_LENGTH
from staffstuddash_service.models.base import Base


@register(
    STAFF,
    columns="id recipient subject created_at next_at attempts",
    purpose="to inform the recipient",
    keep="until it is delivered, for three days at most",
)
class Mail(Base):
    """Mail to one recipient, stored in the transaction of its cause."""

    __tablename__ = "mails"
    __table_args__ = (Index(None, "next_at"),)

    id: Mapped[str] = mapped_column(Key, primary_key=True)
    recipient: Mapped[str] = mapped_column(String(ADDRESS_LENGTH))
    subject: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(
        Text, comment="Of a digest: with names of students", info=personal(STUDENT, STAFF)
    )
    created_at: Mapped[datetime]
    next_at: Mapped[datetime] = mapped_column(comment="Of the next attempt; also a lease")
    attempts: Mapped[int]
    student_ids: Mapped[list[str] | None] = mapped_column(
        Json,
        comment="Named in the body; if one is erased or restricted, the mail is deleted",
        info=personal(STUDENT),
    )


@register(
    STAFF,
    columns="person_id week created_at was_sent",
    purpose="to send a digest to each person once a week",
    keep="for eight weeks",
)
class WeeklyDigest(Base):
    """Digest of a week of a member of staff; was_sent: False if there was nothing to say."""

    __tablename__ = "weekly_digests"

    person_id: Mapped[str] = mapped_column(
        Key, ForeignKey("staffstuddash.people.id"), primary_key=True
    )
    week: Mapped[date] = mapped_column(primary_key=True, comment="Its Monday")
    created_at: Mapped[datetime]
    was_sent: Mapped[bool]
