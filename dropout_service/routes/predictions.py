"""Predictions: made for one student, listed by risk."""

from fastapi import APIRouter, Response

from dropout_service.dependencies import Manager
from dropout_service.errors import (
    NotAssessable,
    PredictionExists,
    PredictionNotFound,
    StudentNotFound,
)
from dropout_service.routes.parameters import StudentId
from dropout_service.schemas import NewPrediction, PredictionOut
from shared_db.paging import MalformedCursor
from shared_web.access import READ, Writer
from shared_web.idempotency import IdempotencyKey, mark_replay, row_id
from shared_web.paging import After, Limit, PageOut
from shared_web.problems import InvalidRequest, documented

router = APIRouter(tags=["predictions"])


@router.post(
    "/students/{student_id}/predictions",
    status_code=201,
    responses=documented(StudentNotFound, PredictionExists, InvalidRequest, NotAssessable),
)
def predict(
    student_id: StudentId,
    new: NewPrediction,
    manager: Manager,
    principal: Writer,
    response: Response,
    key: IdempotencyKey = None,
) -> PredictionOut:
    """Make and store a prediction with its reasons, from what was known at `as_of`."""
    prediction = manager.predict(
        student_id, as_of=new.as_of, prediction_id=row_id(new.id, key, principal)
    )
    mark_replay(response, is_repeat=prediction.is_repeat)
    return PredictionOut.model_validate(prediction)


@router.get(
    "/students/{student_id}/predictions/latest",
    dependencies=[READ],
    responses=documented(PredictionNotFound),
)
def get_latest_prediction(student_id: StudentId, manager: Manager) -> PredictionOut:
    """Return the student's prediction with the latest `as_of`."""
    return PredictionOut.model_validate(manager.get_latest_prediction(student_id))


@router.get(
    "/predictions", dependencies=[READ], responses=documented(InvalidRequest, MalformedCursor)
)
def list_predictions(
    manager: Manager, after: After = None, limit: Limit = 100
) -> PageOut[PredictionOut]:
    """Return each student's latest prediction, the highest risk first."""
    return PageOut[PredictionOut].of(manager.get_predictions(after=after, limit=limit))
