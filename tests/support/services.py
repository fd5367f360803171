"""The three services: tables, manager, settings and app of each."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from fastapi import FastAPI
from sqlalchemy import MetaData

import dropout_service.main
import monitoring_service.main
import staffstuddash_service.main
from dropout_service.database import DropoutDatabaseManager
from dropout_service.models import Base as DropoutBase
from dropout_service.settings import Settings as DropoutSettings
from monitoring_service.database import MonitoringDatabase
from monitoring_service.models import Base as MonitoringBase
from monitoring_service.settings import Settings as MonitoringSettings
from shared_db.connection.database import Database
from shared_web.settings import ServiceSettings
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.models import Base as StaffstuddashBase
from staffstuddash_service.settings import Settings as StaffstuddashSettings


@dataclass(frozen=True)
class Parts:
    """Parts of one service, by which a test puts it together."""

    metadata: MetaData
    manager: Callable[[Database], Any]
    settings: type[ServiceSettings]
    create_app: Callable[..., FastAPI]

    def app(self, database: Database, settings: ServiceSettings) -> FastAPI:
        """Return the app on a database."""
        return self.create_app(self.manager(database), settings)


PARTS = {
    "monitoring": Parts(
        MonitoringBase.metadata,
        MonitoringDatabase,
        MonitoringSettings,
        monitoring_service.main.create_app,
    ),
    "staffstuddash": Parts(
        StaffstuddashBase.metadata,
        DatastoreManager,
        StaffstuddashSettings,
        staffstuddash_service.main.create_app,
    ),
    "dropout": Parts(
        DropoutBase.metadata,
        DropoutDatabaseManager,
        DropoutSettings,
        dropout_service.main.create_app,
    ),
}


@cache
def openapi_of(service: str) -> dict[str, Any]:
    """Return the OpenAPI document of a service."""
    return PARTS[service].create_app().openapi()


def routes_of(service: str) -> list[tuple[str, str]]:
    """Return method and path of each documented route."""
    paths = openapi_of(service)["paths"]
    return [(method.upper(), path) for path, methods in paths.items() for method in methods]
