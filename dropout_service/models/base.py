"""What the mapped classes of this service have in common."""

from sqlalchemy.orm import DeclarativeBase

from shared_db.background_work.table import background_table
from shared_db.columns import Base as ColumnsBase
from shared_db.columns import service_metadata


class Base(ColumnsBase, DeclarativeBase):
    """The mapped classes of schema `dropout`."""

    metadata = service_metadata("dropout")


background_table(Base.metadata)


class Views(ColumnsBase, DeclarativeBase):
    """The views of schema `dropout`; of metadata of their own, so that they are not made as tables.

    Migrations make them on PostgreSQL, `memory.py` in memory.
    """

    metadata = service_metadata("dropout")
