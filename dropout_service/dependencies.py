"""Dependencies of the routes."""

from typing import Annotated

from fastapi import Depends, Request

from dropout_service.database import DropoutDatabaseManager


def manager_of(request: Request) -> DropoutDatabaseManager:
    """Return the manager of the app."""
    manager: DropoutDatabaseManager = request.app.state.manager
    return manager


# async, so that it does not use a worker thread.
async def _manager(request: Request) -> DropoutDatabaseManager:
    return manager_of(request)


Manager = Annotated[DropoutDatabaseManager, Depends(_manager)]
