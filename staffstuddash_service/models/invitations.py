"""Invitations by which members of staff sign in without an account elsewhere."""

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from shared_db.columns import Key
from shared_db.personal_data import STAFF, UNTIL_REMOVED, register
from staffstuddash_service.models.base import Base

DIGEST_BYTES = 32


@register(
    STAFF,
    columns="person_id digest created_at created_by expires_at used_at",
    purpose="to let a member of staff sign in by a link, once",
    keep=UNTIL_REMOVED,
)
class Invitation(Base):
    """Latest invitation of a person; the token itself is not stored."""

    __tablename__ = "invitations"

    person_id: Mapped[str] = mapped_column(
        Key, ForeignKey("staffstuddash.people.id"), primary_key=True
    )
    digest: Mapped[bytes] = mapped_column(
        LargeBinary(DIGEST_BYTES), unique=True, comment="Of the token in the link"
    )
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(Key, comment="The name of the caller")
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
