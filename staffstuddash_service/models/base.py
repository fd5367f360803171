"""Base class of the tables of this service, and the column of a row's student."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared_db.background_work.table import background_table
from shared_db.columns import Base as ColumnsBase
from shared_db.columns import Key, service_metadata


class Base(ColumnsBase, DeclarativeBase):
    """Base of the mapped classes of schema `staffstuddash`."""

    metadata = service_metadata("staffstuddash")


background_table(Base.metadata)


def of_student() -> Mapped[str]:
    """Return the column with the id of the row's student."""
    return mapped_column(Key, ForeignKey("staffstuddash.students.id"))
