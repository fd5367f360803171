"""What routes ask for."""

from typing import Annotated

from fastapi import Depends, Request

from staffstuddash_service.datastore import DatastoreManager


# Not in a thread, of which there are few: it takes no time.
async def _datastore(request: Request) -> DatastoreManager:
    manager: DatastoreManager = request.app.state.manager
    return manager


Datastore = Annotated[DatastoreManager, Depends(_datastore)]
