"""Dependencies of the routes."""

from typing import Annotated

from fastapi import Depends, Request

from dropout_service.database import DropoutDatabaseManager


# async, so that it does not use a worker thread.
async def _manager(request: Request) -> DropoutDatabaseManager:
    manager: DropoutDatabaseManager = request.app.state.manager
    return manager


Manager = Annotated[DropoutDatabaseManager, Depends(_manager)]
