"""Column types and mixins that mean the same in all three services."""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    Enum,
    LargeBinary,
    MetaData,
    String,
    TypeDecorator,
    inspect,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Mapper, configure_mappers, mapped_column
from sqlalchemy.orm.attributes import instance_dict

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

ID_LENGTH = 200

# Ids sort by code point in both stores, so that cursors and orders agree.
Key = String(ID_LENGTH).with_variant(String(ID_LENGTH, collation="C"), "postgresql")
Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def service_metadata(schema: str) -> MetaData:
    """Return the metadata of one service: its schema and our constraint names."""
    return MetaData(schema=schema, naming_convention=NAMING_CONVENTION)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware in Python, `timestamptz` on PostgreSQL, UTC text in memory."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        """The type of its values."""
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Turn it into UTC; a naive value is a programming error.

        Raises:
            ValueError: the value has no time zone.

        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give it back aware: the in-memory store keeps no zone, and what it keeps is UTC."""
        if value is None:
            return None
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
    """What every mapped class has: how Python types become columns."""

    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        datetime: UtcDateTime(),
        dict[str, Any]: Json,
        list[Any]: Json,
    }


class IdempotentRow:
    """A row that its sender may name: its id, and a digest of what was sent under that id.

    The digest is what makes a repeated request harmless and a changed one a conflict.
    """

    id: Mapped[str] = mapped_column(Key, primary_key=True, sort_order=-2)
    digest: Mapped[bytes] = mapped_column(LargeBinary(16), sort_order=100)
    # Set on the object that a manager returns when the row was there already; not stored.
    is_replay = False
    # Likewise: it waits in the spool, and what only the database can tell is None.
    is_pending = False


T = TypeVar("T")


def row_of(model: type[T], **values: Any) -> T:
    """Return a row as if it had been read with these values, none of them left out.

    For rows that are stored past the session, by the thousand: without the history of changes that
    a new object keeps for the session, which takes longer than all else that is done to a row.
    """
    row: T = _maker(model)()  # type: ignore[arg-type] # a class can be hashed
    instance_dict(row).update(values)
    return row


@cache
def _maker(model: type[Any]) -> Callable[[], Any]:
    mapper: Mapper[Any] = inspect(model)
    if not mapper.configured:
        configure_mappers()
    return mapper.class_manager.new_instance


def fill_row(row: object, **values: Any) -> None:
    """Give a row of `row_of` further values in the same way."""
    instance_dict(row).update(values)


def values_of(row: object) -> dict[str, Any]:
    """Return the values of a row that is loaded, by attribute.

    For rows by the thousand, too: reading an attribute takes six times as long as reading a dict.
    """
    values: dict[str, Any] = instance_dict(row)
    return values
