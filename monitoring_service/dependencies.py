"""What routes ask for."""

from typing import Annotated

from fastapi import Depends, Request

from monitoring_service.database import MonitoringDatabase


def _manager(request: Request) -> MonitoringDatabase:
    manager: MonitoringDatabase = request.app.state.manager
    return manager


Monitoring = Annotated[MonitoringDatabase, Depends(_manager)]
