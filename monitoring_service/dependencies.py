"""Dependencies of the routes."""

from typing import Annotated

from fastapi import Depends, Request

from monitoring_service.database import MonitoringDatabase


def manager_of(request: Request) -> MonitoringDatabase:
    """Return the manager of the app."""
    manager: MonitoringDatabase = request.app.state.manager
    return manager


# async, so that it does not use a worker thread.
async def _manager(request: Request) -> MonitoringDatabase:
    return manager_of(request)


Monitoring = Annotated[MonitoringDatabase, Depends(_manager)]
