"""Dependencies of the routes."""

from typing import Annotated

from fastapi import Depends, Request

from monitoring_service.database import MonitoringDatabase


# async, so that it does not use a worker thread.
async def _manager(request: Request) -> MonitoringDatabase:
    manager: MonitoringDatabase = request.app.state.manager
    return manager


Monitoring = Annotated[MonitoringDatabase, Depends(_manager)]
