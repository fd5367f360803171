"""What routes ask for."""

from typing import Annotated

from fastapi import Depends, Request

from staffstuddash_service.datastore import DatastoreManager


def _datastore(request: Request) -> DatastoreManager:
    manager: DatastoreManager = request.app.state.manager
    return manager


Datastore = Annotated[DatastoreManager, Depends(_datastore)]
