"""Data mechanism of the three services: engine, units of work, repositories and spool."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shared_db.connection.database import Database
    from shared_db.connection.engine import build_engine
    from shared_db.connection.memory_engine import memory_engine
    from shared_db.connection.transactions import new_session
    from shared_db.errors import (
        ConfigurationError,
        Conflict,
        DatabaseBusy,
        DatabaseUnavailable,
        Invalid,
        NotFound,
        ServiceError,
    )
    from shared_db.ingest_repository import IngestRepository
    from shared_db.repository import Manager, Repository
    from shared_db.results import InsertResult, Outcome
    from shared_db.settings import DatabaseSettings
    from shared_db.spool.spoolable import SpoolableType

__all__ = [
    "ConfigurationError",
    "Conflict",
    "Database",
    "DatabaseBusy",
    "DatabaseSettings",
    "DatabaseUnavailable",
    "IngestRepository",
    "InsertResult",
    "Invalid",
    "Manager",
    "NotFound",
    "Outcome",
    "Repository",
    "ServiceError",
    "SpoolableType",
    "build_engine",
    "memory_engine",
    "new_session",
]

_MODULES = {
    "Database": "connection.database",
    "DatabaseSettings": "settings",
    "IngestRepository": "ingest_repository",
    "InsertResult": "results",
    "Manager": "repository",
    "Outcome": "results",
    "Repository": "repository",
    "SpoolableType": "spool.spoolable",
    "build_engine": "connection.engine",
    "memory_engine": "connection.memory_engine",
    "new_session": "connection.transactions",
}


# On first use, because SQLAlchemy takes tenths of a second that `shared_db.clock` does not need.
def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'errors')}"), name)
