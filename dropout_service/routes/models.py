"""Models that were learned: what a prediction's version stands for."""

from typing import Annotated

from fastapi import APIRouter, Path

from dropout_service.dependencies import Manager
from dropout_service.errors import ModelNotFound
from dropout_service.schemas import ModelOut
from shared_db.paging import MalformedCursor
from shared_web.access import READ
from shared_web.admitted import AdmittedRoute
from shared_web.fields import Id
from shared_web.paging import After, Limit, PageOut
from shared_web.problems import InvalidRequest, documented

router = APIRouter(prefix="/models", tags=["models"], route_class=AdmittedRoute)

Version = Annotated[
    Id,
    Path(description="The version that a prediction names.", examples=["model-0123456789ab"]),
]


@router.get("", dependencies=[READ], responses=documented(InvalidRequest, MalformedCursor))
def list_models(manager: Manager, after: After = None, limit: Limit = 100) -> PageOut[ModelOut]:
    """Return the models that were learned, by id; the active one predicts."""
    return PageOut[ModelOut].of(manager.get_models(after=after, limit=limit))


@router.get("/{version}", dependencies=[READ], responses=documented(InvalidRequest, ModelNotFound))
def get_model(version: Version, manager: Manager) -> ModelOut:
    """Return what a model predicts, what it was learned from, and how well it did."""
    return ModelOut.model_validate(manager.get_model(version))
