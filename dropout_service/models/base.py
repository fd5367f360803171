"""Base classes of the tables and views of this service."""

from sqlalchemy.orm import DeclarativeBase

from shared_db.background_work.table import background_table
from shared_db.columns import Base as ColumnsBase
from shared_db.columns import service_metadata


class Base(ColumnsBase, DeclarativeBase):
    """Base of the tables of schema `dropout`."""

    metadata = service_metadata("dropout")


background_table(Base.metadata)


class Views(ColumnsBase, DeclarativeBase):
    """Base of the views of schema `dropout`, in metadata of their own: `create_all` ignores them.

    Migrations create them on PostgreSQL, `memory.py` in memory.
    """

    metadata = service_metadata("dropout")
