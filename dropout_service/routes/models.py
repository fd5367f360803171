"""Routes of the learned models, which the versions of predictions name."""

from typing import Annotated

from fastapi import APIRouter, Path

from dropout_service.dependencies import Manager
from dropout_service.errors import ModelNotFound
from dropout_service.schemas.models import EvaluationOut, ModelOut, ModelWeekOut
from shared_db.queries.pagination import MalformedCursor
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission
from shared_web.problems import InvalidRequest, documented
from shared_web.query.pagination import After, Limit, PageOut
from shared_web.requests.fields import Id

router = APIRouter(prefix="/models", tags=["models"], route_class=AdmittedRoute)

READ = needs(Permission.PREDICTIONS_READ)

Version = Annotated[
    Id,
    Path(description="The version that a prediction names.", examples=["model-0123456789ab"]),
]


@router.get("", dependencies=[READ], responses=documented(InvalidRequest, MalformedCursor))
def list_models(manager: Manager, after: After = None, limit: Limit = 100) -> PageOut[ModelOut]:
    """Return the learned models by id; the active one predicts."""
    return PageOut[ModelOut].of(manager.models.search(after=after, limit=limit))


@router.get("/{version}", dependencies=[READ], responses=documented(InvalidRequest, ModelNotFound))
def get_model(version: Version, manager: Manager) -> ModelOut:
    """Return a model's target, its training data and its metrics."""
    return ModelOut.model_validate(manager.models.get(version))


@router.get(
    "/{version}/evaluation",
    dependencies=[READ],
    responses=documented(InvalidRequest, ModelNotFound),
)
def get_evaluation(version: Version, manager: Manager) -> EvaluationOut:
    """Return the evaluation that was stored with a model: calibration, hits, gaps, comparison."""
    return EvaluationOut.of(version, manager.models.get_evaluation(version))


@router.get(
    "/{version}/weeks",
    dependencies=[READ],
    responses=documented(InvalidRequest, MalformedCursor, ModelNotFound),
)
def list_weeks(
    version: Version, manager: Manager, after: After = None, limit: Limit = 100
) -> PageOut[ModelWeekOut]:
    """Return the weeks of a model's predictions against known outcomes, the latest first."""
    return PageOut[ModelWeekOut].of(manager.model_weeks.search(version, after=after, limit=limit))
