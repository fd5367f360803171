"""Tables of schema `access`: keys, their last uses, and roles."""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared_db.columns import Base as ColumnsBase
from shared_db.columns import Key, service_metadata
from shared_db.personal_data import STAFF, personal, register
from shared_web.auth.validity.key_limits import stored_limits
from shared_web.principals import KeyLimits, Principal, known_permissions


class AccessBase(ColumnsBase, DeclarativeBase):
    """Base of the mapped classes of schema `access`."""

    metadata = service_metadata("access")


@register(
    columns="secret_hash scopes created_at revoked_at expires_at addresses",
    purpose="to recognise callers; a key names a system",
    keep="for good; a revoked name is not used again",
)
class ApiKey(AccessBase):
    """Issued key. A revoked one is kept, so that its name is not used again."""

    __tablename__ = "api_keys"

    name: Mapped[str] = mapped_column(
        Key,
        primary_key=True,
        info=personal(STAFF, purpose="to name callers in logs; it should name a system, no person"),
    )
    secret_hash: Mapped[str] = mapped_column(
        String(64), unique=True, comment="BLAKE2b-256 of the key, keyed with KEY_PEPPER"
    )
    scopes: Mapped[str] = mapped_column(
        Text,
        comment="Scopes and permissions, separated by spaces; unknown words are ignored",
    )
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None] = mapped_column(comment="First instant of its refusal")
    addresses: Mapped[str | None] = mapped_column(
        Text, comment="Networks of its callers, separated by spaces; null: anywhere"
    )

    @property
    def limits(self) -> KeyLimits:
        """Limits of the key in time and addresses."""
        return stored_limits(self.expires_at, self.addresses)

    @property
    def principal(self) -> Principal:
        """Caller that the key identifies."""
        return Principal(self.name, known_permissions(self.scopes), limits=self.limits)


@register(
    columns="name permissions sees_all created_at updated_at",
    purpose="to name sets of permissions",
    keep="until the role is deleted",
)
class StoredRole(AccessBase):
    """Role of the school's own, beside the built-in ones."""

    __tablename__ = "roles"

    name: Mapped[str] = mapped_column(Key, primary_key=True)
    permissions: Mapped[str] = mapped_column(
        Text, comment="The permissions, separated by spaces; unknown words are ignored"
    )
    sees_all: Mapped[bool] = mapped_column(
        comment="True for every student; false for those that the person teaches, advises or is"
    )
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


@register(
    columns="service last_used_at",
    purpose="to find keys that nobody uses any more",
    keep="for good",
)
class KeyUse(AccessBase):
    """Last use of a key in a service, some minutes late."""

    __tablename__ = "key_uses"

    key_name: Mapped[str] = mapped_column(
        Key, primary_key=True, info=personal(STAFF, purpose="as the name of the key")
    )
    service: Mapped[str] = mapped_column(Key, primary_key=True)
    last_used_at: Mapped[datetime]
