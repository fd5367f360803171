"""What routes ask for."""

from typing import Annotated

from fastapi import Depends, Request

from dropout_service.database import DropoutDatabaseManager


# Not in a thread, of which there are few: it takes no time.
async def _manager(request: Request) -> DropoutDatabaseManager:
    manager: DropoutDatabaseManager = request.app.state.manager
    return manager


Manager = Annotated[DropoutDatabaseManager, Depends(_manager)]
