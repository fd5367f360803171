"""What routes ask for."""

from typing import Annotated

from fastapi import Depends, Request

from monitoring_service.database import MonitoringDatabase


# Not in a thread, of which there are few: it takes no time.
async def _manager(request: Request) -> MonitoringDatabase:
    manager: MonitoringDatabase = request.app.state.manager
    return manager


Monitoring = Annotated[MonitoringDatabase, Depends(_manager)]
