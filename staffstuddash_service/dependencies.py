"""Dependencies of the routes."""

from typing import Annotated

from fastapi import Depends, Request

from staffstuddash_service.datastore import DatastoreManager


# async, so that it does not use a worker thread
async def _datastore(request: Request) -> DatastoreManager:
    manager: DatastoreManager = request.app.state.manager
    return manager


Datastore = Annotated[DatastoreManager, Depends(_datastore)]
