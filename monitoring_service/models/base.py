"""Base of the mapped classes, and background work as the services publish it."""

from sqlalchemy.orm import DeclarativeBase

from shared_db.background_work.table import background_table, background_view
from shared_db.columns import Base as ColumnsBase
from shared_db.columns import service_metadata


class Base(ColumnsBase, DeclarativeBase):
    """Base of the mapped classes of schema `monitoring`."""

    metadata = service_metadata("monitoring")


background_work = background_table(Base.metadata)
# Published by the other services; not there on the in-memory store.
background_work_of_staffstuddash = background_view("staffstuddash")
background_work_of_dropout = background_view("dropout")
