"""Column types and mixins with the same meaning in all three services."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    Enum,
    LargeBinary,
    MetaData,
    String,
    TypeDecorator,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shared_db.personal_data import personal

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

ID_LENGTH = 200

# Values of a row to insert, by attribute of its mapped class. A mapped object would keep a history
# for its session, which takes longer than everything else for a row of a batch.
Row = dict[str, Any]

# Ids sort by code point in both stores, so that cursors and sort orders agree.
Key = String(ID_LENGTH).with_variant(String(ID_LENGTH, collation="C"), "postgresql")
Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def service_metadata(schema: str) -> MetaData:
    """Return the metadata of one service: its schema and our constraint names."""
    return MetaData(schema=schema, naming_convention=NAMING_CONVENTION)


class UtcDateTime(TypeDecorator[datetime]):
    """Instant: aware in Python, `timestamptz` on PostgreSQL, UTC text in memory."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        """The type of its values."""
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Convert the value to UTC; a naive value is a programming error.

        Raises:
            ValueError: the value has no time zone.

        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return the value as aware: the in-memory store keeps UTC without a zone."""
        if value is None or value.tzinfo is UTC:
            return value
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def enum_column(kind: type[StrEnum]) -> Enum:
    """Return the type that stores the enum's value as text with a CHECK."""
    return Enum(
        kind,
        name=f"{kind.__name__.lower()}_known",
        native_enum=False,
        create_constraint=True,
        length=40,
        values_callable=lambda members: [member.value for member in members],
    )


class Base:
    """Base of mapped classes: the column types of Python types."""

    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        datetime: UtcDateTime(),
        dict[str, Any]: Json,
        list[Any]: Json,
    }


class IdempotentRow:
    """Row with an id that its sender may choose, and a digest of the content that was sent first.

    The digest distinguishes a repeated request, which is harmless, from a changed one, a conflict.
    sent_columns: the attributes that the digest is of, for a class whose rows can change; a request
    with the present content of a changed row is a repeated one, too. changed_column: the attribute
    that has a value once a row was changed, if defaults are stored in `sent_columns`.
    unread_columns: the attributes that lists leave out, because only the database uses them.
    """

    unread_columns: ClassVar[tuple[str, ...]] = ("digest",)
    sent_columns: ClassVar[tuple[str, ...]] = ()
    changed_column: ClassVar[str | None] = None

    id: Mapped[str] = mapped_column(Key, primary_key=True, sort_order=-2)
    digest: Mapped[bytes] = mapped_column(
        LargeBinary(16),
        sort_order=100,
        info=personal(purpose="to recognise a repeated request; computed from its content"),
    )
    # Set on the returned object if the row was stored before; not stored.
    is_replay = False
    # Set on the returned object if the row waits in the spool: values that only the database
    # knows are None. Not stored.
    is_pending = False
